/// What `WhiskWriter` adds to Whisker's records so that a session comes back as it was.
enum WhiskAnnotation {
    /// The key under which it stands; Whisker's reader passes over keys that it does not know.
    static let key = "lockstep"
}

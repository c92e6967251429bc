internal import ArgumentParser

/// How a command speaks.
struct SpeechOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text: one document, or one a line where there are many.")
    var json = false

    @Option(
        name: [.customLong("color"), .customLong("colour")],
        help: ArgumentHelp("Colour the text: auto, always or never.", valueName: "when"))
    var colour = ColourChoice.auto
}

import ArgumentParser

@main
struct Lockstep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockstep", abstract: "A flight recorder for synchronized parallel pipelines.")
}

//! What follows from an error, and where it comes from.

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The configuration is not taken.
    Refuses,
    /// The configuration is taken and something is said.
    Warns,
    /// A command ends with this exit code.
    Ends(u8),
    /// A request is answered with this status.
    Answers(u16),
    /// The log says so and Foghorn goes on.
    Logs,
    /// Foghorn ends with this exit code.
    Stops(u8),
}

/// Where something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file and the environment.
    Configuration,
    /// A command.
    Command,
    /// A request to the API.
    Request,
    /// A process that runs.
    Running,
}

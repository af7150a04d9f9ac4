//! The program `appdepot` under a name of its own, for the tests that run it.

fn main() -> std::process::ExitCode {
    local_gateway::command::main()
}

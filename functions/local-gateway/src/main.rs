//! The program `appdepot`: see [`local_gateway::command`].

fn main() -> std::process::ExitCode {
    local_gateway::command::main()
}

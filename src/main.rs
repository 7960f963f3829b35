//! The `sekisho` command: arguments, standard streams, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sekisho::cli::main(std::env::args_os())
}

//! The binary: see the library.

fn main() -> std::process::ExitCode {
    udp_lab::cli::main(std::env::args_os())
}

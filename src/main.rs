//! The `themeline` command. All of it is in the library; see `themeline::cli`.

fn main() -> std::process::ExitCode {
    themeline::cli::main()
}

//! The `themeline` command. All of it is in the library; see `themeline::cli`.

/// Gives memory back between stages, whichever thread had asked for it: the system's own keeps a pool a thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    themeline::cli::main()
}

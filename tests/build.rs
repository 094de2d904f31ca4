//! Lets every call of jemalloc's control interface pass `mallctl_calls`, which counts it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The system's linkers on Linux all know `--wrap`: a call of `f` becomes one of `__wrap_f`, and `__real_f` is `f`.
    for function in ["_rjem_mallctl", "_rjem_mallctlbymib", "_rjem_mallctlnametomib"] {
        println!("cargo::rustc-link-arg-tests=-Wl,--wrap={function}");
    }
}

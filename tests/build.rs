//! Redirects all calls of jemalloc's control interface to `mallctl_calls`, which counts them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // All system linkers on Linux have `--wrap`: a call of `f` becomes a call of `__wrap_f`, and `__real_f`
    // is `f`.
    for function in ["_rjem_mallctl", "_rjem_mallctlbymib", "_rjem_mallctlnametomib"] {
        println!("cargo::rustc-link-arg-tests=-Wl,--wrap={function}");
    }
}

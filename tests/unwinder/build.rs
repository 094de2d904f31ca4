//! Compiles the C code that has no frame pointers.

fn main() {
    println!("cargo::rerun-if-changed=src/frames.c");
    cc::Build::new()
        .file("src/frames.c")
        .opt_level(2)
        .force_frame_pointer(false)
        .flag("-fomit-frame-pointer")
        .flag("-fno-optimize-sibling-calls")
        .flag("-fasynchronous-unwind-tables")
        .warnings(true)
        .compile("frames");
}

//! The resident memory of a program with a given allocator: its heap, and threads that have worked and wait.

use std::fs;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Instant;

/// Runs `heap MIB THREADS` or `samples COUNT`, and prints one number: the anonymous resident memory in bytes, or the
/// nanoseconds of each allocation.
pub(crate) fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{text}: {error}"));
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["heap", mib, threads] => heap(number(mib)?, number(threads)?),
        ["samples", count] => {
            println!("{:.1}", nanoseconds(number(count)?));
            Ok(())
        }
        _ => Err("expected `heap MIB THREADS` or `samples COUNT`".to_owned()),
    }
}

fn heap(mib: usize, threads: usize) -> Result<(), String> {
    let held: Vec<Vec<u8>> = (0..mib * 512).map(|number| vec![1; sizes(number) / 2]).collect();
    let ready = Arc::new(Barrier::new(threads + 1));
    for thread in 0..threads {
        let ready = Arc::clone(&ready);
        std::thread::spawn(move || {
            // Like a request: a few dozen objects at a time, most of them small.
            for round in 0..100 {
                let live: Vec<Vec<u8>> =
                    (0..24).map(|object| vec![1; sizes(thread + round + object)]).collect();
                drop(black_box(live));
            }
            ready.wait();
            std::thread::park();
        });
    }
    ready.wait();
    println!("{}", anonymous_bytes()?);
    drop(black_box(held));
    Ok(())
}

/// Sizes from 64 bytes to 16 KiB, 4 KiB on average.
fn sizes(number: usize) -> usize {
    const SIZES: [usize; 8] = [64, 128, 256, 1024, 2048, 4096, 8192, 16_384];
    SIZES[number.wrapping_mul(0x9e37_79b9) >> 4 & 7]
}

fn anonymous_bytes() -> Result<u64, String> {
    let status = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    let kib = line.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<u64>().ok()).ok_or("no size")?;
    Ok(kib * 1024)
}

/// The nanoseconds of an allocation and its free. Each is sampled if jemalloc records all allocations.
fn nanoseconds(count: usize) -> f64 {
    let begin = Instant::now();
    for _ in 0..count {
        drop(black_box(Box::new([1_u8; 64])));
    }
    begin.elapsed().as_nanos() as f64 / count as f64
}

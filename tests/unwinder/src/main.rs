//! Checks the walk along frame pointers: `unwinder NAME` runs one case, `unwinder --list` names them.
//!
//! jemalloc hands the stack of each sample to its hook `prof_sample`. There, libgcc reads the same stack again, and both
//! must have the same frames. A case ends with status 0 if all samples were right. Its last line has the numbers.

mod cases;
mod foreign;
mod frames;
mod judge;
mod rows;
mod signals;
mod threads;

use std::process::ExitCode;

use judge::{Expected, Judge};

#[cfg(not(feature = "libgcc"))]
memory_debug_core::install!(unwinder = frame_pointers, lg_prof_sample = 12);
#[cfg(feature = "libgcc")]
memory_debug_core::install!(lg_prof_sample = 12);

type Case = (&'static str, Expected, fn());

const CASES: &[Case] = &[
    ("first_thread", Expected::Walked, cases::first_thread),
    ("threads", Expected::Walked, threads::usual),
    ("many_short_threads", Expected::Any, threads::many_short),
    ("small_stacks", Expected::Walked, threads::small_stacks),
    ("stack_of_the_caller", Expected::Walked, threads::stack_of_the_caller),
    ("destructors_of_thread_locals", Expected::Any, threads::destructors),
    ("deep_recursion", Expected::Walked, cases::deep_recursion),
    ("panics", Expected::Any, cases::panics),
    ("fork", Expected::Walked, cases::fork),
    ("many_stacks", Expected::Walked, cases::many_stacks),
    ("c_without_frame_pointers", Expected::FellBack, frames::plain),
    ("nested_c_without_frame_pointers", Expected::FellBack, frames::nested),
    ("damaged_frame_pointers", Expected::FellBack, frames::damaged),
    ("forged_records", Expected::FellBack, frames::forged),
    ("foreign_stacks", Expected::FellBack, foreign::stacks),
    ("foreign_stack_first", Expected::Any, foreign::first_and_unmapped),
    ("foreign_stack_in_a_frame", Expected::Any, foreign::in_a_frame),
    ("handler_on_the_same_stack", Expected::FellBack, signals::same_stack),
    ("handler_on_another_stack", Expected::FellBack, signals::other_stack),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "--list" => CASES.iter().for_each(|(name, ..)| println!("{name}")),
        "--state" => {
            (0..10).for_each(|depth| cases::below(depth, 2000));
            println!("{}", judge::state());
        }
        "--rows" => rows::print(),
        _ => {
            let Some((_, expected, case)) = CASES.iter().find(|case| case.0 == name) else {
                eprintln!("no case is named {name:?}; `--list` names them");
                return ExitCode::from(2);
            };
            // Samples of a sound program, so that the walk is in use when the case begins.
            cases::below(5, 2000);
            let judge = Judge::begin();
            case();
            return judge.end(*expected);
        }
    }
    ExitCode::SUCCESS
}

//! Tests of the help, the manual page, completions and configurations.

use crate::run::{check, command, differs};

const SUBCOMMANDS: [&str; 19] = [
    "fetch",
    "types",
    "diff",
    "report",
    "fleet",
    "top",
    "ui",
    "heap",
    "flamegraph",
    "symbolize",
    "convert",
    "holders",
    "trace",
    "monitor",
    "doctor",
    "config",
    "password",
    "completions",
    "man",
];

fn printed(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    let output = command(&words).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_lists_all_commands() {
    check([differs("help", "--help", &[])]);
    check(SUBCOMMANDS.map(|name| differs(&format!("help-{name}"), &format!("{name} --help"), &[])));
    let help = printed(&["--help"]);
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A line with more indentation continues the line above it.
    let listed =
        listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let listed: Vec<_> = listed.collect();
    assert_eq!(listed, [&SUBCOMMANDS[..], &["help"]].concat(), "a subcommand has no golden help");
}

#[test]
fn version_equals_the_version_of_the_package() {
    assert_eq!(printed(&["--version"]), concat!("memory-debug ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn manual_page_has_all_sections() {
    let page = printed(&["man"]);
    assert!(
        page.starts_with(".ie \\n(.g .ds Aq \\(aq\n") && page.contains("\n.TH memory-debug 1 "),
        "{page}"
    );
    for part in
        [".SH NAME\nmemory\\-debug \\- ", ".SH SYNOPSIS\n", ".SH SUBCOMMANDS\n", "memory\\-debug\\-fleet(1)"]
    {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    assert!(page.contains("Exit status: 0 success"), "{page}");
}

#[test]
fn completions_contain_every_subcommand() {
    for (shell, begins) in [("bash", "_memory__debug() {\n"), ("zsh", "#compdef memory-debug"), ("fish", "")]
    {
        let script = printed(&["completions", shell]);
        assert!(script.starts_with(begins), "{shell}: {script}");
        for name in SUBCOMMANDS.iter().chain(&["deadline", "targets-file"]) {
            assert!(script.contains(name), "{shell} does not know {name}");
        }
    }
}

#[test]
fn password_differs_each_time() {
    let [one, other] = [printed(&["password"]), printed(&["password"])];
    assert!(one.trim().len() >= 20 && one.ends_with('\n') && one != other);
}

#[test]
fn configurations_match_the_golden_files() {
    let addresses = "https://shop-1:8443 https://shop-2:8443";
    check(
        ["prometheus", "alloy", "parca"].map(|scraper| {
            differs(&format!("config-{scraper}"), &format!("config {scraper} {addresses}"), &[])
        }),
    );
}

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

fn config(words: &[&str]) -> Config {
    Line::parse_from([&["x"], words].concat()).config
}

fn text(words: &[&str]) -> String {
    config(words).text().unwrap()
}

fn assert_has(text: &str, lines: &str) {
    assert!(text.contains(lines), "{lines}\nis not in\n{text}");
}

#[test]
fn instances_with_one_scheme_and_path_are_one_job() {
    let text = text(&["prometheus", "https://a:1", "https://b:2", "https://c/m"]);
    assert_eq!(text.matches("job_name").count(), 2, "{text}");
    assert_has(&text, "metrics_path: \"/debug/memory/metrics\"\n");
    assert_has(&text, "    static_configs:\n      - targets: [\"a:1\", \"b:2\"]\n");
    assert_has(&text, "job_name: \"memory-debug-2\"");
    assert_has(&text, "metrics_path: \"/m/metrics\"\n");
    assert_has(&text, "    static_configs:\n      - targets: [\"c:443\"]\n");
    assert_has(&text, "password_file: \"/run/secrets/memory-debug\"");
}

#[test]
fn types_option_is_only_for_prometheus() {
    let text = text(&["prometheus", "https://a", "--types", "20"]);
    assert_has(&text, "    params:\n      types: [\"20\"]\n");
    for scraper in ["alloy", "parca"] {
        assert!(config(&[scraper, "https://a", "--types", "20"]).text().is_err());
    }
}

#[test]
fn timeouts_are_within_the_limits_of_each_scraper() {
    for (scraper, interval, lines) in [
        ("prometheus", "60", "scrape_interval: 60s\n    scrape_timeout: 30s\n"),
        ("prometheus", "5", "scrape_interval: 5s\n    scrape_timeout: 5s\n"),
        ("parca", "5", "scrape_interval: 5s\n    scrape_timeout: 8s\n"),
        ("alloy", "5", "scrape_interval = \"5s\"\n  scrape_timeout  = \"5s\"\n"),
    ] {
        assert_has(&text(&[scraper, "https://a", "--interval", interval]), lines);
    }
}

#[test]
fn value_cannot_break_out_of_its_quotes() {
    let text = text(&["alloy", "https://a", "--user", "o\"ps\n}", "--job", "7\"} y"]);
    assert_has(&text, r#"username      = "o\"ps\n}""#);
    assert_has(&text, "pyroscope.scrape \"_7___y\"");
}

#[test]
fn scraper_looks_up_the_name() {
    let text = text(&["parca", "--dns", "shop.default.svc:8443"]);
    assert_has(&text, "names: [\"shop.default.svc\"]\n        type: A\n        port: 8443");
    assert_has(&text, "memory: {enabled: true, path: \"/debug/memory/heap\"}");
}

#[test]
fn certificate_of_instances_behind_a_name_is_for_the_name() {
    let words = ["--dns", "shop:8443", "--ca", "/etc/ca.pem"];
    let yaml = "    tls_config:\n      ca_file: \"/etc/ca.pem\"\n      server_name: \"shop\"\n";
    assert_has(&text(&[&["prometheus"], &words[..]].concat()), yaml);
    assert_has(&text(&[&["parca"], &words[..]].concat()), yaml);
    let alloy = text(&[&["alloy"], &words[..]].concat());
    assert_has(
        &alloy,
        "  tls_config {\n    ca_file     = \"/etc/ca.pem\"\n    server_name = \"shop\"\n  }\n",
    );
    assert_has(&alloy, "targets         = discovery.relabel.memory_debug.output");
    let plain = text(&["prometheus", "--dns", "shop:80", "--scheme", "http", "--ca", "/etc/ca.pem"]);
    assert!(!plain.contains("tls_config"), "{plain}");
}

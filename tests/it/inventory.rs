//! What the documentation lists is what there is.

use std::fs;
use std::path::Path;

use foghorn::catalogue::{self, Code};
use foghorn::telemetry::names::{Metric, documentation};

/// `FOGHORN_BLESS=1` writes the page instead of comparing it.
#[test]
fn every_metric_is_documented_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let expected = documentation();
    if std::env::var_os("FOGHORN_BLESS").is_some() {
        fs::write(&path, &expected).expect("docs/ can be written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    for metric in Metric::ALL {
        let name = metric.spec().name;
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in docs/metrics.md");
    }
    assert!(page == expected, "docs/metrics.md is old: run FOGHORN_BLESS=1 cargo test --test it inventory");
}

/// `FOGHORN_BLESS=1` writes the page instead of comparing it.
#[test]
fn every_error_is_documented_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let expected = catalogue::documentation();
    if std::env::var_os("FOGHORN_BLESS").is_some() {
        fs::write(&path, &expected).expect("docs/ can be written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    for code in Code::all() {
        assert!(page.contains(&format!("### {code} ")), "{code} is not in docs/errors.md");
    }
    assert!(page == expected, "docs/errors.md is old: run FOGHORN_BLESS=1 cargo test --test it inventory");
}

/// `FOGHORN_BLESS=1` writes the document instead of comparing it.
#[test]
fn the_document_of_the_api_is_kept_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let expected = foghorn::http::openapi::text();
    if std::env::var_os("FOGHORN_BLESS").is_some() {
        fs::write(&path, &expected).expect("docs/ can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let changed = kept.lines().zip(expected.lines()).position(|(kept, expected)| kept != expected);
    assert!(
        kept == expected,
        "docs/openapi.json is old from line {}: run FOGHORN_BLESS=1 cargo test --test it inventory, and look at \
         what changes for those who call the API",
        changed.map_or(0, |line| line + 1)
    );
}

/// The places in `text` that write a code out.
fn written_out(text: &str) -> Vec<&str> {
    let is_code = |code: &&str| code[2..].bytes().all(|byte| byte.is_ascii_digit());
    text.match_indices("FH").filter_map(|(at, _)| text.get(at..at + 6)).filter(is_code).collect()
}

#[test]
fn only_the_catalogue_writes_a_code_out() {
    assert_eq!(written_out("let a = \"FH0101\"; // FHnnnn, FH01, äFH0702"), ["FH0101", "FH0702"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut guilty = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() && path != root.join("catalogue") {
                folders.push(path);
            } else if path.is_file() {
                let text = fs::read_to_string(&path).expect("a source file is text");
                guilty
                    .extend(written_out(&text).into_iter().map(|code| format!("{}: {code}", path.display())));
            }
        }
    }
    assert!(guilty.is_empty(), "write Code::… instead:\n{}\n", guilty.join("\n"));
}

/// Everything that the README promises by path is there.
#[test]
fn the_links_of_the_front_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dead = Vec::new();
    for page in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap_or_else(|_| panic!("no {page}"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !root.join(path).exists() {
                dead.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "\n{}\n", dead.join("\n"));
}

/// A scenario that nobody declared is never compiled, and nobody notices.
#[test]
fn every_scenario_is_part_of_the_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).expect("this binary has a main.rs");
    for entry in fs::read_dir(&folder).expect("tests/it can be read") {
        let path = entry.expect("tests/it can be read").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let declared = main.contains(&format!("mod {name};"));
        assert!(declared || name == "main", "tests/it/{name}.rs is not declared in main.rs");
    }
}

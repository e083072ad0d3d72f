//! The list of lessons: complete, unique, and each fit to be shown.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support;
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::{Claim, Expect, Os, Strength, sources};

fn claims(lesson: &Lesson) -> Vec<Claim> {
    let scenes = lesson.default_scenes().expect("default parameters fit");
    scenes.iter().flat_map(|scene| scene.claims().to_vec()).collect()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn names_are_unique() {
    let names: HashSet<_> = LESSONS.iter().map(|lesson| lesson.name).collect();
    assert_eq!(names.len(), LESSONS.len());
}

#[test]
fn every_lesson_file_is_registered() {
    let not_lessons = ["mod", "claims", "run", "scene"];
    for entry in fs::read_dir(here("src/lessons")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_known = not_lessons.contains(&name) || LESSONS.iter().any(|lesson| lesson.name == name);
        assert!(is_known, "{} is not in the list `lessons!` of src/lessons/mod.rs", path.display());
    }
}

/// The lab's clock stands still while `--step` waits for Enter; any other would count that as measured time.
#[test]
fn lessons_measure_with_the_labs_clock_only() {
    for folder in ["src/lessons", "src/experiments"] {
        for entry in fs::read_dir(here(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let other_clock = ["Instant", "SystemTime"].into_iter().find(|clock| text.contains(clock));
            assert_eq!(other_clock, None, "{}: use `Lab::timed`", path.display());
        }
    }
}

/// The files of Rust in this folder, and below it.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

/// As wide as code, which rustfmt breaks. The address of a page cannot be broken.
#[test]
fn no_comment_is_wider_than_120_columns() {
    for path in ["src", "tests"].into_iter().flat_map(|folder| rust_files(&here(folder))) {
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//") && !line.contains("://");
            assert!(!is_comment || line.chars().count() <= 120, "{}:{}", path.display(), index + 1);
        }
    }
}

/// What is no verb of lessons has a file of its own beside it.
#[test]
fn the_verbs_of_lessons_are_few_enough_to_be_read() {
    let verbs = fs::read_to_string(here("src/lab/endpoint.rs")).unwrap();
    assert!(verbs.lines().count() < 300, "src/lab/endpoint.rs has {} lines", verbs.lines().count());
}

#[test]
fn every_lesson_has_its_page_and_its_program() {
    for lesson in LESSONS {
        let read = |kind: &str| fs::read_to_string(here(&format!("demos/{}.{kind}", lesson.name))).unwrap_or_default();
        assert_eq!(lesson.page.lines().next(), read("md").lines().next(), "{} has its own page", lesson.name);
        assert_eq!(lesson.python, read("py"), "{} has its own program", lesson.name);
        assert!(lesson.page.contains(&format!("$ udp-lab {}", lesson.name)), "demos/{}.md shows it", lesson.name);
    }
}

#[test]
fn the_readme_lists_every_lesson_with_its_question() {
    let readme = fs::read_to_string(here("README.md")).unwrap();
    let row = |lesson: &Lesson| format!("| [`{0}`](demos/{0}.md) | {1} |", lesson.name, lesson.question);
    let missing: Vec<String> = LESSONS.iter().map(|lesson| row(lesson)).filter(|row| !readme.contains(row)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn no_text_is_empty() {
    for lesson in LESSONS {
        let Lesson { name, title, question, why, example, .. } = lesson;
        let texts = [("name", name), ("title", title), ("question", question), ("why", why), ("example", example)];
        for (field, text) in texts {
            assert!(!text.trim().is_empty(), "{name}: `{field}` of LESSON is empty");
        }
        assert!(question.ends_with('?'), "{name}: a question ends with a question mark: {question}");
        for claim in claims(lesson) {
            assert!(!claim.property.trim().is_empty(), "{name}: the row `{}` has no text", claim.id);
        }
    }
}

/// What a user reads of a lesson before anything runs.
fn texts(lesson: &Lesson) -> Vec<String> {
    let guess = lesson.guess.answers.iter().map(|answer| answer.text).chain([lesson.guess.because]);
    let mut texts: Vec<String> = guess.chain([lesson.title, lesson.question]).map(str::to_owned).collect();
    for scene in lesson.default_scenes().expect("default parameters fit") {
        texts.extend([scene.title().to_owned(), scene.answer().to_owned()]);
        texts.extend(scene.claims().iter().map(|claim| claim.property.clone()));
    }
    texts
}

/// The help of `command` and of all below it.
fn helps(mut command: clap::Command) -> Vec<String> {
    let below: Vec<_> = command.get_subcommands().cloned().collect();
    let own = command.render_long_help().to_string();
    // A reason cites documents, in their words.
    let own = own.split("\n\n").filter(|paragraph| !paragraph.starts_with("Why: ")).collect::<Vec<_>>().join("\n\n");
    [own].into_iter().chain(below.into_iter().flat_map(helps)).collect()
}

/// A socket receives, an error is returned: it hears nothing, and nobody tells it.
#[test]
fn users_read_the_words_of_the_field() {
    let replaced = regex::Regex::new(
        r"(?i)\b(hears?|heard|gets|told|notices|promised|in hand|fences?|strangers?|by itself|cut|ladders?)\b",
    )
    .unwrap();
    let ids = regex::Regex::new(r"\{[^}]*\}").unwrap();
    let lessons = LESSONS.iter().flat_map(|lesson| texts(lesson));
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let found = lessons.chain(helps(udp_lab::cli::command())).flat_map(lines).filter_map(|line| {
        let word = replaced.find(&ids.replace_all(&line, ""))?.as_str().to_owned();
        Some(format!("\"{word}\" in: {line}"))
    });
    assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn row_ids_are_stable_words_and_unique_in_their_lesson() {
    for lesson in LESSONS {
        let mut seen = HashSet::new();
        for claim in claims(lesson) {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(claim.id.chars().all(word), "{}: {}", lesson.name, claim.id);
            assert!(seen.insert(claim.id.clone()), "{}: {} is there twice", lesson.name, claim.id);
        }
    }
}

#[test]
fn scene_titles_are_unique_in_their_lesson_and_fit_the_narrowest_table() {
    for lesson in LESSONS {
        let mut seen = HashSet::new();
        for scene in lesson.default_scenes().unwrap() {
            assert!(seen.insert(scene.title().to_owned()), "{}: {}", lesson.name, scene.title());
            assert!(scene.title().len() <= 44, "{}: {}", lesson.name, scene.title());
            assert!(!scene.claims().is_empty(), "{}: {}", lesson.name, scene.title());
        }
    }
}

#[test]
fn every_claim_cites_a_source_from_the_list() {
    for lesson in LESSONS {
        for claim in claims(lesson) {
            for source in Os::ALL.map(|os| claim.source_on(os)) {
                assert!(sources::ALL.contains(&source), "{}: {}", lesson.name, claim.id);
                let promised_by_nobody = claim.strength == Strength::Specified && source == &sources::LOOPBACK;
                assert!(!promised_by_nobody, "{}: {}", lesson.name, claim.id);
            }
        }
    }
}

#[test]
fn every_source_is_cited() {
    let on_all = |claim: Claim| Os::ALL.map(|os| claim.source_on(os).cite);
    let cited: HashSet<_> = LESSONS.iter().flat_map(|lesson| claims(lesson)).flat_map(on_all).collect();
    for source in sources::ALL {
        assert!(cited.contains(source.cite), "{source}");
    }
}

#[test]
fn every_lesson_judges_something_on_every_system() {
    for lesson in LESSONS {
        for os in Os::ALL {
            let judged = claims(lesson).into_iter().filter(|claim| matches!(claim.expected.on(os), Expect::Is(_)));
            assert!(judged.count() > 0, "{} on {}", lesson.name, os.name());
        }
    }
}

#[test]
fn every_example_in_the_help_can_be_run() {
    for lesson in LESSONS {
        let words = ["udp-lab", lesson.name].into_iter().chain(lesson.example.split(' '));
        let matches = udp_lab::cli::command().try_get_matches_from(words);
        let refused = matches.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.is_empty(), "{}: its `example` is nothing that it takes: {refused}", lesson.name);
    }
}

/// `UPDATE_PAGES=1 cargo test` writes it.
#[test]
fn the_page_of_expectations_is_current() {
    let systems = udp_lab::systems::all().unwrap();
    let mut predictions: Vec<_> =
        LESSONS.iter().map(|lesson| lesson.predict(&lesson.default_scenes().unwrap())).collect();
    predictions.iter_mut().for_each(|prediction| udp_lab::systems::mark_observed(prediction, &systems));
    let today = udp_lab::render::expectations::page(&predictions);
    let path = here("docs/expectations.md");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, &today).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(page == today, "docs/expectations.md is not current: UPDATE_PAGES=1 cargo test --test main registry::");
}

#[test]
fn the_page_on_the_article_names_rows_that_there_are() {
    let page = fs::read_to_string(here("docs/article.md")).unwrap();
    let rows = regex::Regex::new("`([a-z]+)`: ((?:`[^`]+`(?:, )?)+)").unwrap();
    let mut sentences = 0;
    for row in rows.captures_iter(&page) {
        let lesson = support::lesson(&row[1]);
        let claims = claims(lesson);
        for property in row[2].split('`').skip(1).step_by(2) {
            assert!(claims.iter().any(|claim| claim.property == property), "{} has no row {property}", lesson.name);
        }
        sentences += 1;
    }
    assert!(sentences > 13, "thirteen sentences have a row each, and one has two: {sentences}");
}

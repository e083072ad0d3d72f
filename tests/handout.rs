//! The handout: one page of HTML that hides what it must, shows what it must, and can be read by everybody. What only a
//! browser knows is asked of Chromium, by `tests/handout/check.mjs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::support::{self, in_world, is_decided, missing, udp_lab};
use serde_json::Value;
use udp_lab::lessons::LESSONS;
use udp_lab::render::{Invocation, RenderOptions, Results, html};
use udp_lab::vocabulary::{Action, Outcome, Syscall, Verdict};

/// What has a meaning in HTML; the last one could be taken for a right-to-left mark.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"&'",
    "</details>",
    "</style><img src=x onerror=alert(2)>",
    "&lt;",
    "\u{202e}abc\u{7}",
];

/// An empty folder of the test's own.
fn folder(name: &str) -> PathBuf {
    support::folder(&format!("handout-{name}"))
}

/// Runs the binary in `folder`, and returns its page and what it printed.
fn page_in(folder: &Path, file: &str, args: &[&str]) -> (String, String) {
    let mut command = udp_lab();
    command.current_dir(folder).args(["--format", "json"]).args(args).args(["--export", file]);
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    (fs::read_to_string(folder.join(file)).unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A piece of a page: an element that begins or a text, how many `details` it is in, and how many of these are not on
/// paper unless they are open.
struct Piece {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    hidden: usize,
    hidden_on_paper: usize,
}

fn unescaped(text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let (entity, c) = known.iter().find(|(entity, _)| rest[at..].starts_with(entity)).expect("a known entity");
        plain.push_str(c);
        rest = &rest[at + entity.len()..];
    }
    plain + rest
}

fn attributes(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((name, value)) = rest.trim_start().split_once("=\"") {
        let (value, after) = value.split_once('"').expect("the value ends");
        found.push((name.to_owned(), unescaped(value)));
        rest = after;
    }
    assert!(rest.trim().is_empty() || rest.trim() == "/", "every value is quoted: {rest}");
    found
}

/// Reads a page as strictly as XML: every element is closed in its place. The style is no text.
fn pieces(page: &str) -> Vec<Piece> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").expect("the page says that it is HTML");
    let mut open: Vec<(String, String)> = Vec::new();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let details = || open.iter().filter(|(name, _)| name == "details");
        let (hidden, on_paper) = (details().count(), details().filter(|(_, given)| given.contains("printed")).count());
        let hidden_on_paper = hidden - on_paper;
        let Some(markup) = rest.strip_prefix('<') else {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            assert!(!text.contains(|c: char| c.is_control() && c != '\n') && !text.contains('\u{202e}'), "{text:?}");
            if open.last().is_none_or(|(name, _)| name != "style") {
                let (name, attributes, text) = (String::new(), Vec::new(), unescaped(text));
                pieces.push(Piece { name, attributes, text, hidden, hidden_on_paper });
            }
            rest = after;
            continue;
        };
        let (tag, after) = markup.split_once('>').expect("the tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().map(|(name, _)| name).as_deref(), Some(name), "closed in its place");
            continue;
        }
        let (name, given) = tag.split_once(' ').unwrap_or((tag, ""));
        let (text, attributes) = (String::new(), attributes(given));
        pieces.push(Piece { name: name.to_owned(), attributes, text, hidden, hidden_on_paper });
        if name != "meta" && !tag.ends_with('/') {
            open.push((name.to_owned(), given.to_owned()));
        }
    }
    assert!(open.is_empty(), "closed at all: {open:?}");
    pieces
}

/// The texts of the elements with one of these names, each with whatever is in them; pages nest none of these.
fn texts(pieces: &[Piece], names: &[&str], until: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut inside = false;
    for piece in pieces {
        if names.contains(&piece.name.as_str()) {
            texts.push(String::new());
            inside = true;
        } else if until.contains(&piece.name.as_str()) {
            inside = false;
        } else if inside && let Some(text) = texts.last_mut() {
            text.push_str(piece.text.trim_end_matches('\n'));
        }
    }
    texts
}

/// The cells of every row of every table.
fn rows(pieces: &[Piece]) -> Vec<Vec<String>> {
    let starts = pieces.iter().enumerate().filter(|(_, piece)| piece.name == "tr").map(|(at, _)| at);
    let ends = |start: usize| {
        pieces[start + 1..].iter().position(|piece| ["tr", "table", "p", "h3", "details"].contains(&&*piece.name))
    };
    starts
        .map(|start| {
            let end = ends(start).map_or(pieces.len(), |length| start + 1 + length);
            texts(&pieces[start..end], &["th", "td"], &["tbody"])
        })
        .collect()
}

fn outside(pieces: &[Piece]) -> String {
    pieces.iter().filter(|piece| piece.hidden == 0).map(|piece| piece.text.as_str()).collect()
}

fn count(page: &str, tag: &str) -> u64 {
    page.matches(tag).count() as u64
}

#[test]
fn a_page_is_well_formed_and_fetches_nothing() {
    let folder = folder("form");
    for name in LESSONS.iter().map(|lesson| lesson.name).chain(["all"]) {
        let (page, _) = page_in(&folder, &format!("{name}.html"), &[name]);
        let pieces = pieces(&page);
        for word in ["<script", "<link", "<img", "<iframe", "src=", "srcset=", "@import", "url(", "http:", "https:"] {
            assert!(!page.contains(word), "{name}: {word}");
        }
        let attributes = || pieces.iter().flat_map(|piece| &piece.attributes);
        assert!(attributes().all(|(name, _)| !name.starts_with("on")), "{name}");
        assert!(attributes().filter(|(name, _)| name == "href").all(|(_, target)| target.starts_with('#')), "{name}");
        let policy = "default-src 'none'; style-src 'unsafe-inline'";
        assert!(attributes().any(|(name, value)| name == "content" && value == policy), "{name}");
        let lessons = if name == "all" { LESSONS.len() as u64 } else { 1 };
        assert_eq!((count(&page, "<h1>"), count(&page, "<main>")), (1, 1), "{name}");
        assert_eq!(count(&page, "<p class=\"question\">"), lessons, "{name}");
        let mut ids: Vec<_> = attributes().filter(|(name, _)| name == "id").map(|(_, id)| id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: no id twice");
    }
}

/// The property of a row without its mark, what was expected and observed, and its verdict.
fn judged_cells(row: &Value) -> Vec<String> {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let verdict = text("verdict");
    let said = row["reason"].as_str().map_or(verdict.clone(), |reason| format!("{verdict}: {reason}"));
    vec![text("property"), text("expected"), text("observed"), said]
}

/// Holds the rows of a page against the JSON of the same run.
fn every_row_is_in(page: &str, json: &str) {
    let document: Value = serde_json::from_str(json).unwrap();
    let reports = document["reports"].as_array().unwrap();
    let pieces = pieces(page);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let property = |row: &Value| {
        let mark = if row["strength"] == "typical" && row["verdict"] != "info" { "~ " } else { "" };
        format!("{mark}{}", text(&row["property"]))
    };
    let judged = reports.iter().flat_map(|report| report["rows"].as_array().unwrap()).map(|row| {
        let mut cells = judged_cells(row);
        cells[0] = property(row);
        cells.push(text(&row["source"]));
        cells
    });
    let judged: Vec<_> = judged.collect();
    let rows = rows(&pieces);
    let of_length = |length: usize| rows.iter().filter(move |row| row.len() == length);
    let found: Vec<_> = of_length(5).filter(|row| row[0] != "Property").cloned().collect();
    assert_eq!(found, judged);
    let blank: Vec<_> = of_length(3).filter(|row| row[0] != "Property").cloned().collect();
    let keys = |report: &Value| -> Vec<Value> {
        let keys = report["keys"].as_array().unwrap().iter();
        let row = |id: &Value| report["rows"].as_array().unwrap().iter().find(|row| row["id"] == *id).cloned();
        keys.filter_map(row).collect()
    };
    let expected: Vec<_> =
        reports.iter().flat_map(keys).map(|row| vec![text(&row["property"]), String::new(), String::new()]).collect();
    assert_eq!(blank, expected, "the sheet to fill in has the key rows");
    let compared: Vec<_> = of_length(4).filter(|row| row[0] != "Property").cloned().collect();
    let expected: Vec<_> = reports.iter().flat_map(keys).map(|row| judged_cells(&row)).collect();
    assert_eq!(compared, expected, "and the answer has them with their values");
    for report in reports {
        let cells = 2 * keys(report).len();
        assert!((2..=12).contains(&cells), "{cells} cells to fill in");
        for row in report["rows"].as_array().unwrap() {
            let scene = vec![text(&row["scene"])];
            assert_eq!(rows.iter().filter(|row| **row == scene).count(), 1, "{scene:?}");
        }
        assert!(outside(&pieces).contains(&text(&report["question"])));
    }
}

#[test]
fn every_row_of_the_run_is_there() {
    let folder = folder("rows");
    for lesson in LESSONS {
        let (page, json) = page_in(&folder, &format!("{}.html", lesson.name), &[lesson.name]);
        every_row_is_in(&page, &json);
    }
    let (page, json) = page_in(&folder, "long.html", &["boundaries", &"六".repeat(13_400), &"七".repeat(13_400)]);
    assert!(page.len() < 40_000, "nobody is asked to type so much");
    every_row_is_in(&page, &json);
    // Nothing in it is typical, so that no sentence stands below its last table.
    let (page, json) = page_in(&folder, "last.html", &["truncation", "--scene", "flag"]);
    assert!(!page.contains("typical, guaranteed"), "{page}");
    every_row_is_in(&page, &json);
}

#[test]
fn hostile_payloads_stay_text() {
    let folder = folder("hostile");
    let elements = |page: &str| pieces(page).into_iter().map(|piece| piece.name).collect::<BTreeSet<_>>();
    let (harmless, _) = page_in(&folder, "harmless.html", &["boundaries"]);
    let (page, json) = page_in(&folder, "hostile.html", &[&["boundaries"], &HOSTILE[..]].concat());
    assert_eq!(elements(&page), elements(&harmless));
    every_row_is_in(&page, &json);
    let rows = rows(&pieces(&page));
    for shown in ["\"<script>alert(1)</script>\"", "\"\\\"&'\"", "\"</details>\"", "\"&lt;\"", "\"\\u{202e}abc\\u{7}\""]
    {
        assert!(rows.iter().any(|row| row.len() == 5 && row[2] == shown), "{shown} in {rows:?}");
    }
    assert!(page.contains("&#39;&lt;script&gt;alert(1)&lt;/script&gt;&#39;"), "the command has it too");
}

#[test]
fn the_sheet_has_a_place_for_the_name_a_box_for_each_answer_and_the_terms_at_its_end() {
    let (page, _) = page_in(&folder("sheet"), "all.html", &["all"]);
    let pieces = pieces(&page);
    let inputs = |kind: &str| {
        let is = |piece: &&Piece| {
            piece.attributes.iter().any(|(name, value)| name == "type" && value == kind) && piece.hidden == 0
        };
        pieces.iter().filter(is).count()
    };
    let answers: usize = LESSONS.iter().map(|lesson| lesson.guess.answers.len()).sum();
    assert_eq!((inputs("text"), inputs("checkbox")), (1, answers));
    assert_eq!(count(&page, "<label>"), answers as u64 + 1, "each says what it is for");
    let terms = texts(&pieces, &["dt"], &["dd"]);
    let glossary = include_str!("../docs/glossary.md");
    let headings: Vec<_> = glossary.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(terms, headings);
    let meanings = texts(&pieces, &["dd"], &["dt", "section"]);
    let datagram = "One UDP message: sent by one call, received by one call. It may be received once, twice or not at all, \
                    and is never joined to another.";
    assert_eq!(meanings[0], datagram);
    assert!(outside(&pieces).contains("udp-lab explain glossary") && !outside(&pieces).contains(datagram));
}

#[test]
fn every_scene_with_datagrams_has_its_ladder() {
    let folder = folder("ladders");
    for lesson in LESSONS {
        let (page, json) = page_in(&folder, &format!("{}.html", lesson.name), &[lesson.name]);
        let document: Value = serde_json::from_str(&json).unwrap();
        let report = &document["reports"][0];
        let captions = texts(&pieces(&page), &["figcaption"], &["div"]);
        let mut scenes = 0;
        for scene in report["scenes"].as_array().unwrap() {
            let sends = |event: &&Value| {
                event["scene"] == scene["scene"] && event["call"].as_str().unwrap().starts_with("send")
            };
            if report["events"].as_array().unwrap().iter().any(|event| sends(&event)) {
                let caption = format!("Who sent what to whom: {}", scene["title"].as_str().unwrap());
                assert!(captions.contains(&caption), "{}: {caption} is not in {captions:?}", lesson.name);
                scenes += 1;
            }
        }
        assert!(scenes > 0, "{}: a lesson sends something", lesson.name);
    }
}

/// The marks stand for everything that a run or an answer tells.
#[test]
fn observed_values_and_answers_are_hidden() {
    let marks = ["OBSERVED!", "EXPECTED!", "REASON!", "NOTE!", "WHY!", "SCENE!", "ANSWER!", "RECEIVED!", "differs"];
    let host = udp_lab::kernel::host();
    let options = RenderOptions::everything(80);
    for lesson in LESSONS {
        let mut report = lesson.run(lesson.default_scenes().unwrap(), None).unwrap();
        for scene in &mut report.scenes {
            (scene.title, scene.answer) = (marks[5].to_owned(), marks[6].to_owned());
            for row in &mut scene.rows {
                (row.expected, row.observed) = (marks[1].to_owned(), marks[0].to_owned());
                (row.reason, row.verdict) = (Some(marks[2].to_owned()), Verdict::Differs);
            }
            // What was sent is looked for again in what was received, in vain.
            scene.events.truncate(200);
            for event in &mut scene.events {
                match &mut event.action {
                    Action::Call(Syscall::Send { payload, .. }, _) => *payload = b"SENT!".to_vec(),
                    Action::Call(_, Outcome::Received(received)) => received.bytes = marks[7].as_bytes().to_vec(),
                    _ => {}
                }
            }
            scene.notes = vec![marks[3].to_owned()];
        }
        report.why = marks[4];
        let results = Results {
            reports: std::slice::from_ref(&report),
            host: &host,
            options,
            invocation: &Invocation::default(),
            arguments: &[lesson.name.to_owned()],
            trace: false,
        };
        let page = html::reports(&results);
        let pieces = pieces(&page);
        let seen = outside(&pieces);
        // `compare` answers with what became of its sentences.
        let sentences = report.scenes.iter().any(|scene| scene.sentence.is_some());
        let hidden = marks.iter().filter(|mark| **mark != "ANSWER!" || !sentences);
        assert!(hidden.clone().count() >= 8 && hidden.clone().all(|mark| page.contains(mark)), "{}", lesson.name);
        assert!(!marks.iter().any(|mark| seen.contains(mark)), "{}: {seen}", lesson.name);
        assert!(!seen.contains("Right is") && !seen.contains(" as expected on "), "{}: {seen}", lesson.name);
        assert!(!seen.contains(lesson.title) && !seen.contains(lesson.guess.because), "{}: {seen}", lesson.name);
        // What is sent is part of the question: nobody sees yet what becomes of it. Elsewhere than on Linux `buffers`
        // sends nothing.
        let events = &report.key_scene().expect("the scene of the first key row").events;
        let sends = events.iter().any(|event| matches!(event.call(), Some((Syscall::Send { .. }, _))));
        let drawn = pieces.iter().filter(|piece| piece.name == "svg" && piece.hidden == 0).count();
        assert!(sends || !cfg!(target_os = "linux"), "{}: the scene of the first key row sends nothing", lesson.name);
        assert_eq!((drawn, seen.contains("Draw what is received.")), (usize::from(sends), sends), "{}", lesson.name);
        assert!(!sends || seen.contains('?'), "{}", lesson.name);
        for (place, answer) in lesson.guess.answers.iter().enumerate() {
            assert!(seen.contains(answer.text), "{}: {place}", lesson.name);
        }
    }
    assert!(
        !pieces(&page_in(&folder("shown"), "r.html", &["all"]).0)
            .iter()
            .any(|piece| { piece.attributes.iter().any(|(name, _)| name == "open" || name == "checked") })
    );
}

#[test]
fn the_answer_is_the_right_one_unless_this_system_answers_otherwise() {
    let folder = folder("answer");
    for lesson in LESSONS {
        let (page, _) = page_in(&folder, &format!("{}.html", lesson.name), &[lesson.name]);
        let said = texts(&pieces(&page), &["p"], &["details", "h3", "figure", "table"]);
        assert!(said.contains(&format!("Why: {}", lesson.why)), "{said:?}");
        if !is_decided(lesson, lesson.guess.right()) {
            assert!(said.iter().any(|line| line.starts_with("Not observed here: ")), "{said:?}");
            continue;
        }
        let right = lesson.guess.answers[lesson.guess.right()].text;
        let letter = ["a", "b", "c", "d"][lesson.guess.right()];
        let right = format!(". Right is {letter}) {right}");
        assert!(said.iter().any(|line| line.starts_with("Observed: ") && line.ends_with(&right)), "{said:?}");
        assert!(said.contains(&format!("Because {}", lesson.guess.because)), "{said:?}");
    }
    if !cfg!(target_os = "linux") {
        return support::say("not tested here: worlds are broken on Linux only");
    }
    let page = fs::read_to_string(differing(&folder)).unwrap();
    assert!(page.contains("this system answers otherwise, so nobody is called right or wrong"), "{page}");
    assert!(!page.contains("Right is"), "{page}");
}

/// A page of a world in which datagrams are joined.
fn differing(folder: &Path) -> PathBuf {
    let mut broken = in_world("merge");
    let status = broken
        .current_dir(folder)
        .args(["boundaries", "--export", "differs.html"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    folder.join("differs.html")
}

#[test]
fn pictures_are_told_in_words_and_can_be_left_out() {
    let folder = folder("pictures");
    for (lesson, key, pictures) in
        [("truncation", "step: ", 1), ("connectionless", "step: ", 1), ("concurrency", "served: ", 2)]
    {
        let (file, bare) = (format!("{lesson}.html"), format!("{lesson}-bare.html"));
        let mut command = udp_lab();
        let plain = command
            .current_dir(&folder)
            .args([lesson, "--format", "plain", "--full", "--export", &file])
            .output()
            .unwrap();
        let plain = String::from_utf8(plain.stdout).unwrap();
        let steps: Vec<_> = plain.lines().filter_map(|line| line.strip_prefix(key)).collect();
        let page = fs::read_to_string(folder.join(&file)).unwrap();
        let pieces = pieces(&page);
        let items = texts(&pieces, &["li"], &["p", "div", "details", "h3", "figcaption", "span"]);
        assert!(steps.len() > 3 && steps.iter().all(|step| items.contains(&(*step).to_owned())), "{steps:?} {items:?}");
        let drawn: Vec<_> = pieces.iter().filter(|piece| piece.name == "svg").collect();
        assert_eq!(drawn.len() as u64, count(&page, "<figcaption>"), "{lesson}");
        // A busy machine may stretch what takes no time so that one sees it.
        assert!(drawn.len() >= pictures, "{lesson}: {}", drawn.len());
        for picture in drawn {
            let of = |name: &str| picture.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
            assert!(of("role") == Some("img") && of("aria-label").is_some_and(|label| !label.is_empty()), "{lesson}");
        }
        let (bare, _) = page_in(&folder, &bare, &[lesson, "--no-picture"]);
        assert!(!bare.contains("<svg") && !bare.contains("<figure"), "{lesson}");
    }
}

#[test]
fn ascii_is_not_for_pages() {
    let (page, _) = page_in(&folder("ascii"), "r.html", &["boundaries", "你好", "--ascii"]);
    assert!(page.contains("&quot;你好&quot;"), "{page}");
}

#[test]
fn a_thousand_clients_leave_a_page_that_can_be_read() {
    let (page, json) = page_in(&folder("thousand"), "r.html", &["concurrency", "--clients", "1000", "--work", "1ms"]);
    every_row_is_in(&page, &json);
    let (pictures, bars) = (count(&page, "<svg"), count(&page, "<rect"));
    assert!(pictures >= 2 && bars <= 12 * pictures, "{pictures} pictures, {bars} bars");
    assert!(page.contains("(990 more)"), "{page}");
    assert!(page.len() < 50_000, "{}", page.len());
}

// In a browser.

/// What Chromium saw of some pages, asked for once; nothing where it cannot be asked.
static SEEN: LazyLock<Option<Vec<(String, Value, String)>>> = LazyLock::new(|| {
    // Under Wine the paths of the two programs lead to those of Linux, which know none of Windows's.
    if cfg!(windows) {
        support::say("not tested here: no browser is asked on Windows, where the page is the same");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handout/check.mjs");
    let browser = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    if !browser.exists() {
        missing("Chromium, to open the handout");
        return None;
    }
    if !script.with_file_name("node_modules").exists() {
        missing("what `npm ci --prefix tests/handout` brings, to open the handout");
        return None;
    }
    let folder = folder("browser");
    let mut pages =
        vec![("all.html", &["all"][..]), ("thousand.html", &["concurrency", "--clients", "1000", "--work", "1ms"])];
    let (long, narrow) = ("x".repeat(40_000), "W".repeat(300));
    let hostile = [&["boundaries"], &HOSTILE[..], &["你好", "שלום", &narrow, &long]].concat();
    pages.push(("hostile.html", &hostile));
    let mut files: Vec<PathBuf> = pages
        .iter()
        .map(|(file, args)| {
            page_in(&folder, file, args);
            folder.join(file)
        })
        .collect();
    if cfg!(target_os = "linux") {
        files.push(differing(&folder));
    }
    // The page with all lessons takes as long as the others together: two browsers look at them.
    let (all, others) = files.split_at(1);
    let looks = [("all", all), ("others", others)].map(|(name, files)| {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut node = Command::new("node");
        node.arg(&script).arg(&folder).args(files).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        node.spawn()
    });
    let mut seen = serde_json::Map::new();
    for look in looks {
        let Ok(look) = look else {
            missing("node, to open the handout");
            return None;
        };
        let output = look.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        seen.extend(serde_json::from_slice::<serde_json::Map<_, _>>(&output.stdout).unwrap());
    }
    Some(
        files
            .iter()
            .map(|file| {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let seen = seen[&name].clone();
                (name, seen, fs::read_to_string(file).unwrap())
            })
            .collect(),
    )
});

/// Asks `question` of every page as it is shown in every way.
fn in_every_view(question: impl Fn(&str, &Value, &str)) {
    for (name, seen, page) in SEEN.iter().flatten() {
        let views = seen["views"].as_array().unwrap();
        assert_eq!(views.len(), 8, "two widths, light and dark, closed and open");
        views.iter().for_each(|view| question(&format!("{name} {}", view["view"]), view, page));
    }
}

/// So many elements with this tag are on paper while nothing is opened.
fn printed(page: &str, tag: &str) -> u64 {
    pieces(page).iter().filter(|piece| piece.name == tag && piece.hidden_on_paper == 0).count() as u64
}

/// So many elements with this tag, and so many of them in sight before anything is opened.
fn shown(page: &str, tag: &str) -> (u64, u64) {
    let pieces = pieces(page);
    let of = |hidden: &dyn Fn(usize) -> bool| {
        pieces.iter().filter(|piece| piece.name == tag && hidden(piece.hidden)).count()
    };
    (of(&|_| true) as u64, of(&|depth| depth == 0) as u64)
}

#[test]
fn a_browser_opens_it_without_an_error_and_fetches_nothing() {
    for (name, seen, _) in SEEN.iter().flatten() {
        let mut asked = 0;
        for view in seen["views"].as_array().unwrap().iter().filter(|view| !view["wrong"].is_null()) {
            asked += 1;
            assert_eq!(view["wrong"], serde_json::json!([]), "{name} {}", view["view"]);
        }
        assert_eq!(asked, 4, "{name}");
    }
}

#[test]
fn nothing_is_wider_than_the_window() {
    in_every_view(|view, seen, _| {
        assert_eq!(seen["client"], seen["width"], "{view}");
        assert!(seen["scroll"].as_u64() <= seen["client"].as_u64(), "{view}: {}", seen["scroll"]);
        assert_eq!(seen["wider"], serde_json::json!([]), "{view}");
    });
}

#[test]
fn tables_and_pictures_are_shown_when_they_are_asked_for() {
    in_every_view(|view, seen, page| {
        let ((tables, sheets), (pictures, openings)) = (shown(page, "table"), shown(page, "svg"));
        assert!(sheets > 0 && tables > sheets && pictures > 0);
        let expected = if seen["shown"] == "open" { (tables, pictures) } else { (sheets, openings) };
        assert_eq!(
            (seen["tables"].as_u64(), seen["pictures"].as_u64()),
            (Some(expected.0), Some(expected.1)),
            "{view}"
        );
        if seen["shown"] == "open" {
            assert!(seen["letters"].as_f64().unwrap() >= 11.0, "{view}: letters of {}", seen["letters"]);
        }
    });
}

#[test]
fn it_is_light_or_dark_as_the_reader_wants() {
    in_every_view(|view, seen, _| {
        let light = seen["background"] == "rgb(255, 255, 255)";
        assert_eq!(light, seen["colorScheme"] == "light", "{view}: {}", seen["background"]);
    });
}

#[test]
fn axe_finds_no_violation() {
    for (name, seen, _) in SEEN.iter().flatten() {
        let views = seen["views"].as_array().unwrap().iter();
        let asked: Vec<&Value> = views.filter(|view| !view["violations"].is_null()).collect();
        assert_eq!(asked.len(), if name == "all.html" { 2 } else { 4 }, "{name}");
        for view in asked {
            assert_eq!(view["violations"], serde_json::json!([]), "{name} {}", view["view"]);
        }
    }
}

#[test]
fn everything_is_reached_and_opened_by_keyboard() {
    let walked = SEEN.iter().flatten().filter(|(_, seen, _)| !seen["keyboard"].is_null());
    assert!(SEEN.is_none() || walked.clone().count() >= 2);
    for (name, seen, page) in walked {
        let seen = &seen["keyboard"];
        let (details, wide) = (count(page, "<details"), count(page, "<div class=\"wide\""));
        assert_eq!((seen["details"].as_u64(), seen["wide"].as_u64()), (Some(details), Some(wide)), "{name}");
        assert_eq!((seen["opened"].as_u64(), seen["moved"].as_u64()), (Some(details), Some(wide)), "{name}: {seen}");
        assert_eq!(seen["unseen"], 0, "{name}: one sees where one is");
    }
}

#[test]
fn it_prints_on_a4_the_sheet_first_and_the_answer_with_its_picture_next() {
    for (name, seen, page) in SEEN.iter().flatten() {
        let ((tables, sheets), (pictures, _)) = (shown(page, "table"), shown(page, "svg"));
        let (with_answers, drawn) = (printed(page, "table"), printed(page, "svg"));
        assert!(with_answers == 2 * sheets && drawn > sheets, "{name}: the answers are on paper, with pictures");
        for (state, tables, pictures, most) in [("closed", with_answers, drawn, 3), ("open", tables, pictures, 14)] {
            let paper = &seen["print"][state];
            let found = (paper["tables"].as_u64(), paper["pictures"].as_u64());
            assert_eq!(found, (Some(tables), Some(pictures)), "{name} {state}");
            assert_eq!(paper["background"], "rgb(255, 255, 255)", "{name} {state}");
            let pages = paper["pages"].as_u64().unwrap();
            assert!((2 * sheets..=most * sheets).contains(&pages), "{name} {state}: {pages} pages");
            assert!(paper["bytes"].as_u64().unwrap() > 10_000, "{name} {state}");
            for size in paper["sizes"].as_array().unwrap() {
                let size: Vec<f64> = size.as_str().unwrap().split(' ').map(|side| side.parse().unwrap()).collect();
                assert_eq!((size[2].round(), size[3].round()), (595.0, 842.0), "{name} {state}: A4");
            }
        }
        let heights = seen["print"]["closed"]["sheets"].as_array().unwrap();
        assert_eq!(heights.len() as u64, sheets, "{name}");
        let room = seen["print"]["closed"]["page"].as_f64().unwrap();
        // Messages that nobody would type take the room that they take.
        let fits = |height: &Value| name == "hostile.html" || height.as_f64().unwrap() <= room;
        assert!(heights.iter().all(fits), "{name}: a sheet and its picture are one page of {room}: {heights:?}");
    }
}

//! Every judged row has been seen to fail: the world is broken, not the expectation.
//!
//! `tests/broken_world` makes the C library's socket calls misbehave under the real binary, one fault at a time. Here
//! every lesson runs in every world. What it must say there is in `tests/broken_world/expected/LESSON`: a line for each
//! fault that it notices, with the exit status, the rows that say `differs`, and where the status is 3 what it said.
//! The line that begins with `=` has the rows that say `match` where nothing arrives: none whose step did not happen.
//! `UPDATE_WORLDS=1 cargo test --test main broken_worlds` writes the files and the page: read the difference before you
//! commit it.

#[path = "broken_world/faults.rs"]
mod faults;
#[path = "broken_world/options.rs"]
mod options;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;
use std::{env, fs, thread};

use crate::support::{Run, concurrently, folder, in_world, udp_lab, whole_machine, world};
use faults::Fault;
use regex::Regex;
use udp_lab::kernel::option::ALL;
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::{Expect, Os};

/// A lesson ends in every world: after some seconds where a call does not return, but a busy machine is no fault.
const LIMIT: Duration = Duration::from_secs(60);

/// With so many wrong it is the lab or the library that is wrong: the others would say the same.
const MOST_WRONG: usize = 20;

/// So many threads begin with the worlds in which somebody waits longest, which leaves the processors free for those of
/// the others.
const FROM_THE_FRONT: usize = 40;
const FROM_THE_BACK: usize = 12;

/// The worlds in which somebody waits longest.
const LONGEST: [Fault; 14] = [
    Fault::NeverReturns,
    Fault::NothingArrives,
    Fault::WrongSender,
    Fault::Bare,
    Fault::SendWaits,
    Fault::Lose,
    Fault::NoLimit,
    Fault::SettingsIgnored,
    Fault::DropsUncounted,
    Fault::NoPort,
    Fault::NeverConsumes,
    Fault::SecondPort,
    Fault::SendNeedsConnect,
    Fault::SwallowRefused,
];

/// The first line of each file.
const HEADING: &str = "# fault, exit status, rows that differ | what it said. =: rows that match where nothing arrives. \
                       Written by: UPDATE_WORLDS=1 cargo test --test main broken_worlds\n";

// What a lesson says in a world.

/// How a lesson ended that noticed a fault.
#[derive(PartialEq, Eq)]
struct Outcome {
    status: i32,
    /// The rows that say `differs`, in their order.
    rows: Vec<String>,
    /// Where the status is 3: what was said, without ports and advice.
    said: String,
}

impl Outcome {
    /// `None` where nothing was noticed: the status is 0.
    fn of(run: &Run) -> Option<Outcome> {
        let said = if run.status == 3 { sentences(&run.err) } else { String::new() };
        (run.status != 0).then(|| Outcome { status: run.status, rows: differing(&run.out), said })
    }

    /// As a line of a file has it, behind the fault's name.
    fn read(text: &str) -> Outcome {
        let (counts, said) = text.split_once(" | ").unwrap_or((text, ""));
        let mut words = counts.split(' ').map(str::to_owned);
        let status = words.next().and_then(|word| word.parse().ok());
        Outcome { status: status.expect("an exit status"), rows: words.collect(), said: said.to_owned() }
    }

    fn line(&self, fault: &str) -> String {
        let words = [fault.to_owned(), self.status.to_string()].into_iter().chain(self.rows.iter().cloned());
        let words = words.collect::<Vec<_>>().join(" ");
        if self.said.is_empty() { words } else { format!("{words} | {}", self.said) }
    }
}

/// What standard error says, a sentence for each line: up to the advice, without what is another in each run.
fn sentences(err: &str) -> String {
    static PORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\d\.\d+\.\d+\.\d+):\d+").unwrap());
    let sentence = |line: &str| {
        let line = line.strip_prefix("udp-lab: ").unwrap_or(line);
        let end = line.find(". ").or_else(|| line.find(';')).unwrap_or(line.trim_end_matches('.').len());
        PORT.replace_all(&line[..end], "$1:PORT").into_owned()
    };
    err.lines().map(sentence).collect::<Vec<_>>().join(" | ")
}

/// The rows that differ, of a run's CSV.
fn differing(csv: &str) -> Vec<String> {
    with_verdict(csv, "differs")
}

/// The line of the rows that match though nothing arrives.
fn matching_line(csv: &str) -> String {
    format!("= {}\n", with_verdict(csv, "match").join(" "))
}

fn with_verdict(csv: &str, wanted: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().expect("a line of headers").clone();
    let Some(verdict) = headers.iter().position(|header| header == "verdict") else { return Vec::new() };
    let id = headers.iter().position(|header| header == "id").expect("a column of this name");
    let rows = reader.records().map(|row| row.expect("a row as long as the others"));
    rows.filter(|row| &row[verdict] == wanted).map(|row| row[id].to_owned()).collect()
}

/// What is given to a lesson that would take long here by default: its rows are the same.
fn parameters(lesson: &str) -> &'static [&'static str] {
    match lesson {
        "buffers" => &["--receive-buffer", "65536"],
        _ => &[],
    }
}

/// Runs `lesson` in the world with `fault`; an error when it does not end. Its rows come as CSV: in some worlds the
/// events of JSON are many megabytes.
fn in_broken_world(fault: Fault, lesson: &str) -> Result<Run, String> {
    let mut command = in_world(&fault.name());
    command.arg(lesson).args(parameters(lesson)).args(["--format", "csv"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let id = child.id().to_string();
    let (done, output) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    match output.recv_timeout(LIMIT) {
        Ok(output) => Ok(Run::from(output.expect("its output can be read"))),
        Err(_) => {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
            Err(format!("it has not ended after {LIMIT:?}"))
        }
    }
}

// What is written down.

fn is_to_be_written() -> bool {
    env::var_os("UPDATE_WORLDS").is_some()
}

fn file(lesson: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_world/expected").join(lesson)
}

/// The lines of the lesson's file: the faults that it notices, and how.
fn expected(lesson: &str) -> Vec<(String, Outcome)> {
    if is_to_be_written() {
        assert!(WRONG.is_empty(), "nothing was written: exactly_the_rows_of_the_files_notice_each_fault says why");
    }
    let text = fs::read_to_string(file(lesson)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with(['#', '=']));
    let parts = lines.map(|line| line.split_once(' ').expect("a fault, and what follows"));
    parts.map(|(fault, rest)| (fault.to_owned(), Outcome::read(rest))).collect()
}

/// That a lesson is as expected where the library is loaded and has no fault; else what it says there, and why.
fn as_expected_without_a_fault(lesson: &str, run: &Run) -> Result<(), String> {
    if run.status == 0 {
        return Ok(());
    }
    Err(format!(
        "{lesson}: the library of the broken worlds itself breaks it, without a fault: status {}, rows that differ: {}\n{}\
         It keeps queues of its own and imitates what a receive does with them: what the lesson asks of a receive that no \
         lesson has asked before is to be added to tests/broken_world/udp.rs. Until then nothing runs in a broken world, \
         and nothing is written.",
        run.status,
        differing(&run.out).join(", "),
        run.err
    ))
}

/// The names of the faults that a run of `lesson` meets. In a world with another it would be as in no world: until the
/// first time that the library asks for its own fault nothing depends on which that is.
///
/// # Errors
/// What the library breaks without a fault.
fn met(lesson: &str) -> Result<HashSet<String>, String> {
    let file = folder(&format!("broken-worlds-{lesson}")).join("met");
    let mut command = udp_lab();
    command.env("LD_PRELOAD", world()).env("UDP_LAB_FAULTS_MET", &file).arg(lesson).args(parameters(lesson));
    let run = Run::from(command.args(["--format", "csv"]).output().expect("the binary starts"));
    as_expected_without_a_fault(lesson, &run)?;
    let met = fs::read_to_string(&file).expect("a file with a line for each");
    Ok(met.lines().map(str::to_owned).collect())
}

/// What each lesson [meets](met).
///
/// # Errors
/// What the library breaks without a fault, of each lesson.
fn all_met() -> Result<HashMap<&'static str, HashSet<String>>, Vec<String>> {
    let (all_met, wrong) = (Mutex::new(HashMap::new()), Mutex::new(Vec::new()));
    concurrently(LESSONS, |lesson| match met(lesson.name) {
        Ok(met) => drop(all_met.lock().unwrap().insert(lesson.name, met)),
        Err(error) => wrong.lock().unwrap().push(error),
    });
    let wrong = wrong.into_inner().unwrap();
    if wrong.is_empty() { Ok(all_met.into_inner().unwrap()) } else { Err(wrong) }
}

/// Every lesson in every world whose fault it meets, or whose line is to be seen to hold; those of [`LONGEST`]
/// first. All worlds where the files are to be written.
fn runs(
    files: &HashMap<&str, Vec<(String, Outcome)>>,
    met: &HashMap<&str, HashSet<String>>,
) -> Vec<(Fault, &'static str)> {
    let short = Fault::all().into_iter().filter(|fault| !LONGEST.contains(fault));
    let faults = LONGEST.into_iter().chain(short);
    // The last lessons wait for one answer after another.
    let all = faults.flat_map(|fault| LESSONS.iter().rev().map(move |lesson| (fault, lesson.name)));
    if is_to_be_written() {
        return all.collect();
    }
    let is_known = |fault: &String, lesson: &str| files[lesson].iter().any(|(known, _)| known == fault);
    all.filter(|(fault, lesson)| met[lesson].contains(&fault.name()) || is_known(&fault.name(), lesson)).collect()
}

/// What is not as the files say; they are written first where that is asked for. Nothing is run or written where the
/// library itself breaks a lesson.
static WRONG: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files: HashMap<_, _> = match is_to_be_written() {
        true => HashMap::new(),
        false => LESSONS.iter().map(|lesson| (lesson.name, expected(lesson.name))).collect(),
    };
    let _alone = whole_machine();
    let met = match all_met() {
        Ok(met) => met,
        Err(wrong) => return wrong,
    };
    let runs = Mutex::new(VecDeque::from(runs(&files, &met)));
    let (seen, wrong) = (Mutex::new(HashMap::new()), Mutex::new(Vec::new()));
    let seen_matching = Mutex::new(HashMap::new());
    let work = |next: fn(&mut VecDeque<_>) -> Option<(Fault, &'static str)>| {
        while let Some((fault, lesson)) = { next(&mut runs.lock().unwrap()) } {
            let result = in_broken_world(fault, lesson).and_then(|run| {
                let outcome = Outcome::of(&run);
                if fault == Fault::NothingArrives {
                    let line = matching_line(&run.out);
                    if !is_to_be_written() {
                        compare_matching(&line, lesson)?;
                    }
                    seen_matching.lock().unwrap().insert(lesson, line);
                }
                match files.get(lesson) {
                    Some(file) => compare(fault, outcome.as_ref(), file)?,
                    None => seen.lock().unwrap().extend(outcome.map(|outcome| ((fault.name(), lesson), outcome))),
                }
                Ok(())
            });
            let mut wrong = wrong.lock().unwrap();
            wrong.extend(result.err().map(|error| format!("{lesson} in a world with `{}`:\n{error}", fault.name())));
            if wrong.len() >= MOST_WRONG {
                return;
            }
        }
    };
    thread::scope(|scope| {
        (0..FROM_THE_FRONT).for_each(|_| drop(scope.spawn(|| work(VecDeque::pop_front))));
        (0..FROM_THE_BACK).for_each(|_| drop(scope.spawn(|| work(VecDeque::pop_back))));
    });
    let (seen, wrong) = (seen.into_inner().unwrap(), wrong.into_inner().unwrap());
    if is_to_be_written() && wrong.is_empty() {
        for lesson in LESSONS {
            let line = |fault: Fault| Some(seen.get(&(fault.name(), lesson.name))?.line(&fault.name()) + "\n");
            let lines: String = Fault::all().into_iter().filter_map(line).collect();
            let matching = &seen_matching.lock().unwrap()[lesson.name];
            fs::write(file(lesson.name), HEADING.to_owned() + matching + &lines).unwrap();
        }
    }
    wrong
});

/// Holds what came of a fault against the lesson's file.
fn compare(fault: Fault, seen: Option<&Outcome>, file: &[(String, Outcome)]) -> Result<(), String> {
    let name = fault.name();
    let expected = file.iter().find(|(known, _)| *known == name).map(|(_, outcome)| outcome);
    let line = |outcome: Option<&Outcome>| outcome.map_or_else(|| format!("{name} 0"), |outcome| outcome.line(&name));
    if seen == expected { Ok(()) } else { Err(format!("- {}\n+ {}", line(expected), line(seen))) }
}

/// Holds the line of the rows that match where nothing arrives against the lesson's file.
fn compare_matching(seen: &str, lesson: &str) -> Result<(), String> {
    let text = fs::read_to_string(file(lesson)).unwrap_or_default();
    let expected = text.lines().find(|line| line.starts_with('=')).unwrap_or("=");
    if seen.trim_end() == expected.trim_end() { Ok(()) } else { Err(format!("- {expected}\n+ {seen}")) }
}

#[test]
fn exactly_the_rows_of_the_files_notice_each_fault() {
    let is_otherwise = WRONG.iter().any(|wrong| wrong.contains("\n+ "));
    let key = if is_otherwise { "expected (-) and seen (+); UPDATE_WORLDS=1 writes down what is seen\n" } else { "" };
    assert!(WRONG.is_empty(), "{key}{}", WRONG.join("\n"));
    for lesson in LESSONS {
        let noticed = expected(lesson.name);
        let known = |fault: &String| Fault::all().iter().any(|known| known.name() == *fault);
        let unknown = noticed.iter().map(|(fault, _)| fault).find(|fault| !known(fault));
        assert_eq!(unknown, None, "{}: no such fault", lesson.name);
    }
}

#[test]
fn a_fault_that_there_is_not_is_said_to_be_none() {
    let run = Run::from(in_world("merg").arg("boundaries").output().unwrap());
    assert_eq!((run.status, run.err.as_str()), (2, "UDP_LAB_FAULT: no such fault: merg\n"));
}

/// The rows that are judged on Linux.
fn judged(lesson: &Lesson) -> Vec<String> {
    let scenes = lesson.default_scenes().expect("default parameters fit");
    let claims = scenes.iter().flat_map(|scene| scene.claims());
    claims.filter(|claim| matches!(claim.expected.on(Os::Linux), Expect::Is(_))).map(|claim| claim.id.clone()).collect()
}

#[test]
fn every_judged_row_of_every_lesson_notices_some_fault() {
    for lesson in LESSONS {
        let noticing: HashSet<String> =
            expected(lesson.name).into_iter().flat_map(|(_, outcome)| outcome.rows).collect();
        for row in judged(lesson) {
            assert!(
                noticing.contains(&row),
                "{}: no fault makes the row `{row}` differ: add one to tests/broken_world/faults.rs that breaks the row's \
                 promise, and write down what it does with UPDATE_WORLDS=1 cargo test --test main broken_worlds",
                lesson.name
            );
        }
    }
}

#[test]
fn every_option_that_a_lesson_may_set_has_its_worlds() {
    // Two are read only. The third is the lab's, too, and other faults break it.
    let others = ["SO_ERROR", "SO_RCVTIMEO", "IP_MTU"];
    let known = ALL.iter().filter(|option| !others.contains(&option.name));
    let known = known.map(|option| (option.name, option.level.number(Os::Linux), option.number(Os::Linux)));
    let broken = options::OPTIONS.iter().map(|option| (option.name, option.level, Some(option.number)));
    let (known, broken) = (known.collect::<Vec<_>>(), broken.collect::<Vec<_>>());
    let missing: Vec<_> = known.iter().filter(|option| !broken.contains(option)).collect();
    let unknown: Vec<_> = broken.iter().filter(|option| !known.contains(option)).collect();
    assert!(missing.is_empty(), "tests/broken_world/options.rs has not (name, level, number): {missing:?}");
    assert!(unknown.is_empty(), "src/kernel/option.rs has not (name, level, number): {unknown:?}");
    assert!(known == broken, "tests/broken_world/options.rs has another order than src/kernel/option.rs");
}

/// Printable ASCII alone would not show that a system changes other bytes.
#[test]
fn every_lesson_sends_bytes_that_seven_bits_do_not_hold() {
    for lesson in LESSONS {
        let worlds = expected(lesson.name);
        let turned = worlds.iter().find(|(fault, _)| *fault == Fault::SevenBits.name());
        assert!(
            turned.is_some_and(|(_, outcome)| !outcome.rows.is_empty()),
            "{}: no row notices seven-bits",
            lesson.name
        );
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Broken worlds\n\nIn each of these worlds the system breaks one promise, and exactly the rows named here say \
         `differs`; every row that is judged on Linux is there. To run one by hand after `cargo build --examples`: \
         `LD_PRELOAD=target/debug/examples/libbroken_world.so UDP_LAB_FAULT=merge udp-lab boundaries`. (`buffers` runs with \
         `--receive-buffer 65536` here.)\n\n\
         Written by the tests from `tests/broken_world/expected`: `UPDATE_WORLDS=1 cargo test --test main broken_worlds`.\n",
    );
    let files: Vec<_> = LESSONS.iter().map(|lesson| (lesson.name, expected(lesson.name))).collect();
    for (lesson, noticed) in &files {
        let _ = writeln!(page, "\n## {lesson}\n\n| Fault | In this world | Rows that notice |\n|---|---|---|");
        for fault in Fault::all() {
            let Some((_, outcome)) = noticed.iter().find(|(known, _)| *known == fault.name()) else { continue };
            let mut notices: Vec<String> = outcome.rows.iter().map(|row| format!("`{row}`")).collect();
            if outcome.status == 3 {
                notices.push(format!("the lesson stops, status 3: {}", outcome.said));
            }
            let _ = writeln!(page, "| `{}` | {} | {} |", fault.name(), fault.sentence(), notices.join(", "));
        }
    }
    page.push_str("\n## Worlds in which no row differs\n\n| Fault | In this world |\n|---|---|\n");
    let is_noticed = |fault: &Fault| files.iter().any(|(_, lines)| lines.iter().any(|(name, _)| *name == fault.name()));
    for fault in Fault::all().iter().filter(|fault| !is_noticed(fault)) {
        let _ = writeln!(page, "| `{}` | {} |", fault.name(), fault.sentence());
    }
    page
}

/// Written together with the files, and by `UPDATE_PAGES=1 cargo test`.
#[test]
fn the_page_of_broken_worlds_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/broken-worlds.md");
    let today = page();
    if is_to_be_written() || env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, &today).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == today,
        "docs/broken-worlds.md is not current: UPDATE_PAGES=1 cargo test --test main broken_worlds"
    );
}

/// What proves that nothing comes must pass, or a world could make a lesson believe anything.
#[test]
fn an_end_marker_passes_every_world_unharmed() {
    let exe = env::current_exe().unwrap();
    for fault in Fault::all().into_iter().filter(|fault| *fault != Fault::NeverReturns) {
        let mut inner = Command::new(&exe);
        inner.args(["--exact", "broken_worlds::end_markers_pass", "--ignored"]).stdin(Stdio::null());
        let output = inner.env("LD_PRELOAD", world()).env("UDP_LAB_FAULT", fault.name()).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && out.contains("1 passed"), "{}: {out}", fault.name());
    }
}

/// From a socket without a port, among datagrams that the world may do anything to.
#[test]
#[ignore = "the library of broken worlds is to be loaded"]
fn end_markers_pass() {
    use socket2::{Domain, Socket, Type};
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let to = server.local_addr().unwrap();
    let client = UdpSocket::from(Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap());
    let mut received = Vec::new();
    let markers: Vec<u8> = (0x80..0xa0).collect();
    for marker in &markers {
        // Where no receive takes anything away, nothing behind this would be received.
        if env::var("UDP_LAB_FAULT").unwrap() != "never-consumes" {
            let _ = client.send_to(b"datagram", to);
        }
        assert_eq!(client.send_to(&[*marker], to).unwrap(), 1);
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, client.local_addr().unwrap().port()));
        while received.last() != Some(marker) {
            let mut buffer = [0; 100];
            match server.recv_from(&mut buffer) {
                Ok((1, sender)) if sender == from && buffer[0] >= 0x80 => received.push(buffer[0]),
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "after {received:?}"),
            }
        }
    }
    assert_eq!(received, markers);
}

#[test]
fn a_usual_row_that_differs_says_that_nobody_promised_it() {
    let run = in_broken_world(Fault::Twice, "boundaries").unwrap();
    let row = run.out.lines().find(|row| row.contains(",receives-needed,")).unwrap();
    assert!(row.ends_with(",guaranteed by no standard"), "{row}");
}

/// Whoever reads only the first lines still learns it from the status.
#[test]
fn a_row_that_differs_makes_the_status_whoever_reads() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = in_world("merge").arg("boundaries").stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn the_library_alone_breaks_nothing() {
    let mut all = udp_lab();
    all.env("LD_PRELOAD", world()).args(["all", "--format", "csv"]);
    let wrong = as_expected_without_a_fault("all", &all.output().expect("the binary starts").into()).err();
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
}

#[test]
fn what_the_library_itself_breaks_is_named() {
    let broken = in_broken_world(Fault::Merge, "boundaries").unwrap();
    let error = as_expected_without_a_fault("boundaries", &broken).unwrap_err();
    let named = format!("rows that differ: {}\n", differing(&broken.out).join(", "));
    assert!(
        error.starts_with("boundaries: ") && error.contains(&named) && named.contains("receives-needed"),
        "{error}"
    );
}

//! The run that stops before each call.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{self, Report, Run, run, udp_lab};
use regex::Regex;
use serde_json::Value;
use udp_lab::kernel::HERE;
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::{Claim, Expect};

/// Ends a test that would hang; costs nothing otherwise.
const LIMIT: Duration = Duration::from_secs(60);

const UNSTOPPABLE: &str = "To stop here would change what is shown.";

const KEYS: &str = "Enter: next call. n, Enter: next scene. a, Enter: all the rest. ?, Enter: help.";

const ANOTHER_KEY: &str = "There is no such key. Enter: next call.";

/// What is announced where a scene goes in one go.
const WHOLE_SCENE: &str = "\nthe whole scene\n";

/// The most Enters that a lesson may take with its own parameters: a class has no patience for more.
const MOST_ENTERS: usize = 40;

/// More Enters than any lesson takes.
fn enters() -> Vec<u8> {
    vec![b'\n'; 10_000]
}

/// Runs with this input, wide enough that no announcement is broken.
fn with_input(args: &[&str], input: &[u8]) -> Run {
    let mut command = udp_lab();
    command.args(args).args(["--width", "200"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A program that has ended does not read the rest.
    let writer = thread::spawn(move || stdin.write_all(&input).err());
    let output = child.wait_with_output().unwrap();
    drop(writer.join().unwrap());
    Run::from(output)
}

/// Arguments for a run in which every scene goes call by call.
fn each_scene(lesson: &Lesson) -> Vec<String> {
    let scenes = lesson.default_scenes().unwrap();
    let named = scenes.iter().flat_map(|scene| ["--scene".to_owned(), scene.id().to_owned()]);
    [lesson.name.to_owned()].into_iter().chain(named).collect()
}

/// The same for the lesson with this name, with other arguments before.
fn call_by_call(lesson: &str, arguments: &[&str]) -> Vec<String> {
    let mut all = each_scene(support::lesson(lesson));
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    all
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// A place for a file of this test.
fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("step-{}-{name}", std::process::id()))
}

/// Runs with this input; also what the JSON of the same run says.
fn with_report(args: &[&str], input: &[u8], name: &str) -> (String, Report) {
    let file = place(&format!("{name}.json"));
    let run = with_input(&[args, &["--step", "--export", file.to_str().unwrap(), "--force"]].concat(), input);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{args:?}: {}", run.out);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    (run.out, Report(document["reports"][0].clone()))
}

/// Everything before the report, which repeats the lesson's heading.
fn conversation<'a>(out: &'a str, lesson: &str) -> &'a str {
    let heading = format!("\n{lesson}: {}", support::lesson(lesson).question.split(' ').next().unwrap());
    let report = out.rfind(&heading).unwrap_or_else(|| panic!("no report in:\n{out}"));
    &out[..report]
}

/// Whether it is a row of the ladder, or its header: from ten seconds on the time fills its column.
fn is_row(line: &str) -> bool {
    line.starts_with(|first: char| first == ' ' || first.is_ascii_digit())
}

/// `who: call` of each announcement, and whether it stands for those that follow like it.
fn announced(conversation: &str) -> Vec<(String, bool)> {
    let after_keys = conversation.split_once(KEYS).unwrap().1.split_once("\n\n").unwrap().1.lines();
    let lines = after_keys.filter(|line| !line.is_empty() && !line.starts_with("──") && !is_row(line));
    let lines = lines.filter(|line| !line.starts_with(UNSTOPPABLE) && !line.starts_with("Lost: "));
    let lines = lines.filter(|line| !line.starts_with(ANOTHER_KEY));
    let call = |line: &str| {
        let (who, rest) = line.split_once(": ").unwrap_or_else(|| panic!("what is this? {line}"));
        let who = if rest.contains("an end marker of 1 byte") { "fence" } else { who };
        let name = rest.split([' ', ',']).next().unwrap();
        let flags = rest.split_once(" with ").map_or("", |(_, flags)| flags.split(',').next().unwrap());
        let call = format!("{name} {}", flags.replace(" and ", "|"));
        let together = line.ends_with(", and all like it that follow") || line.contains(", and all rounds like this");
        (format!("{who}: {}", call.trim_end()), together)
    };
    lines.map(call).collect()
}

/// `who: call` of each call in the log. A request in progress is a moment and no call.
fn made(report: &Report) -> Vec<String> {
    let events = report.0["events"].as_array().unwrap().iter();
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let events = events.filter(|event| !["serve", "begin", "end"].contains(&event["call"].as_str().unwrap()));
    let call = |event: &Value| posix_name(&text(event, "protocol"), &text(event, "call"));
    events.map(|event| format!("{}: {}", text(event, "who"), call(event))).collect()
}

/// The name that POSIX has for what schema 1 calls `call`, with its flags.
fn posix_name(protocol: &str, call: &str) -> String {
    let (name, flag) = call.split_once(' ').unwrap_or((call, ""));
    let (name, peeks) = match (protocol, name) {
        (_, "peek_from") => ("recvfrom", true),
        (_, "peek") => ("recv", true),
        (_, "recv_from") => ("recvfrom", false),
        (_, "send_to") => ("sendto", false),
        ("tcp", "write") => ("send", false),
        ("tcp", "read") => ("recv", false),
        (_, name) => (name, false),
    };
    let flags = [peeks.then(|| "MSG_PEEK".to_owned()), (!flag.is_empty()).then(|| format!("MSG_{flag}"))];
    let flags: Vec<String> = flags.into_iter().flatten().collect();
    format!("{name} {}", flags.join("|")).trim_end().to_owned()
}

/// The title of the scene with the row `id`.
fn title_of_scene<'r>(report: &'r Report, id: &str) -> &'r str {
    report.row(id)["scene"].as_str().unwrap()
}

/// What was said while the scene with the row `id` went on.
fn talk_of_scene<'a>(talk: &'a str, report: &Report, id: &str) -> &'a str {
    let heading = format!(": {} ──", title_of_scene(report, id));
    let (_, rest) = talk.split_once(&heading).unwrap_or_else(|| panic!("{heading} is not in:\n{talk}"));
    rest.split("\n\n").next().unwrap()
}

fn verdicts(report: &Report) -> Vec<String> {
    report.rows().iter().map(|row| format!("{} {}", row["id"], row["verdict"])).collect()
}

#[test]
fn announced_is_what_is_made_in_the_same_order() {
    for lesson in LESSONS {
        let (out, report) = with_report(&strs(&each_scene(lesson)), &enters(), lesson.name);
        let (announced, made) = (announced(conversation(&out, lesson.name)), made(&report));
        // Only calls that were announced together stand between an announcement and the next.
        let wanted = announced.iter().map(|(call, together)| {
            let others = if *together { "(?:.*\n)*" } else { "" };
            format!("{}\n{others}", regex::escape(call))
        });
        let wanted = Regex::new(&format!("^{}$", wanted.collect::<String>())).unwrap();
        let made: String = made.iter().map(|call| format!("{call}\n")).collect();
        assert!(wanted.is_match(&made), "{}: {wanted} is not\n{made}\n{out}", lesson.name);
        assert!(!announced.is_empty() && announced.len() <= 450, "{}: {}", lesson.name, announced.len());
    }
}

#[test]
fn verdicts_are_those_of_a_run_without_stops() {
    for lesson in LESSONS {
        let (_, stepped) = with_report(&[lesson.name], &enters(), &format!("verdicts-{}", lesson.name));
        assert_eq!(verdicts(&stepped), verdicts(&support::report(&[lesson.name], 0)), "{}", lesson.name);
    }
}

#[test]
fn no_lesson_takes_more_enters_than_a_class_has_patience_for() {
    for lesson in LESSONS {
        // The key that is not there is only answered where the run still waits.
        let waits_after = |enters: usize| {
            let run = with_input(&[lesson.name, "--step"], (["\n".repeat(enters).as_str(), "x\n"].concat()).as_bytes());
            assert_eq!(run.status, 0, "{}", run.err);
            run.out.contains(ANOTHER_KEY)
        };
        assert!(!waits_after(MOST_ENTERS), "{} takes more than {MOST_ENTERS}", lesson.name);
        assert!(waits_after(scenes_here(lesson)), "{} goes through one scene call by call", lesson.name);
    }
}

/// The scenes that are run here: those of which this system has any row.
fn scenes_here(lesson: &Lesson) -> usize {
    let is_here = |claim: &Claim| !matches!(claim.expected.on(HERE), Expect::Absent(_));
    lesson.default_scenes().unwrap().iter().filter(|scene| scene.claims().iter().any(is_here)).count()
}

#[test]
fn the_scene_that_answers_goes_call_by_call_and_each_other_one_in_one_go() {
    for lesson in LESSONS {
        let (out, report) = with_report(&[lesson.name], &enters(), &format!("one-go-{}", lesson.name));
        let talk = conversation(&out, lesson.name);
        let key = title_of_scene(&report, lesson.keys[0]);
        let mut played: Vec<&str> = report.rows().iter().map(|row| row["scene"].as_str().unwrap()).collect();
        played.dedup();
        for scene in played.iter().filter(|scene| talk.contains(&format!(": {scene} ──"))) {
            let part = talk.split(&format!(": {scene} ──")).nth(1).unwrap().split("\n\n").next().unwrap();
            assert_eq!(part.starts_with(WHOLE_SCENE), *scene != key, "{}: {part}", lesson.name);
            assert!(part.lines().any(is_row), "{}: {part}", lesson.name);
            assert!(*scene == key || part.lines().skip(2).all(is_row), "{}: {part}", lesson.name);
        }
        assert!(talk.contains("The scene that answers the question goes call by call, each other one in one go."));
    }
    let (out, _) = with_report(&["boundaries", "--scene", "empty"], &enters(), "one-scene");
    let talk = conversation(&out, "boundaries");
    assert!(talk.contains("client: sendto server, 0 bytes") && !talk.contains("the whole scene"), "{talk}");
    assert!(!talk.contains("in one go"), "{talk}");
}

#[test]
fn another_key_says_which_keys_there_are_and_does_not_go_on() {
    let first = "server: bind to 127.0.0.1, any port\n";
    let second = "client: sendto server, 5 bytes \"hello\"\n";
    for key in ["x", "N", "next", "\u{1b}[A", "  7"] {
        let run = with_input(&["boundaries", "--step"], format!("{key}\n").as_bytes());
        assert_eq!(run.out.matches(ANOTHER_KEY).count(), 1, "{key}: {}", run.out);
        assert_eq!((run.out.matches(first).count(), run.out.matches(second).count()), (2, 0), "{key}: {}", run.out);
    }
    let help = with_input(&["boundaries", "--step"], b"?\n\n").out;
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text} is not in {help}"));
    assert!(at("an arrow ending in ?") < at(second) && at("n, Enter  ") < at("a, Enter  "), "{help}");
    assert!(!help.contains(ANOTHER_KEY), "{help}");
}

#[test]
fn whether_a_datagram_arrives_is_open_until_it_is_known() {
    let (out, report) = with_report(&["delivery"], &enters(), "fate");
    let scene = talk_of_scene(conversation(&out, "delivery"), &report, "dropped");
    let sent: Vec<&str> = scene.lines().filter(|line| line.contains("╌ sendto \"")).collect();
    assert!(sent.len() > 4 && sent.iter().all(|row| row.contains("╌?│")), "{scene}");
    assert!(!scene.contains('>') && !scene.contains("✗│"), "no arrow says more than is known: {scene}");
    let lost = match report.observed("dropped") {
        "-" => "Lost: ".to_owned(),
        dropped => format!("Lost: {dropped} datagrams from client to server, not received"),
    };
    assert!(scene.trim_end().lines().last().is_some_and(|line| line.starts_with(&lost)), "{lost}: {scene}");
    let (out, report) = with_report(&["connectionless"], &enters(), "fate-nobody");
    let scene = talk_of_scene(&out, &report, "unconnected-hears");
    assert!(scene.contains("Lost: \"hello\"") && scene.contains(" to nobody, not received by"), "{scene}");
    // What was received is not called lost, and a whole scene knows from the start.
    let (out, report) = with_report(&["boundaries"], &enters(), "fate-known");
    assert!(!out.contains("Lost: ") && out.contains("recvfrom: \"sudada\""), "{out}");
    let rest = talk_of_scene(&out, &report, "empty-send");
    assert!(rest.contains('>') && !rest.contains("?│"), "{rest}");
}

/// A run whose output is read line by line while its input is held open.
struct Stepping {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Stepping {
    fn start(args: &[&str]) -> Self {
        let mut command = udp_lab();
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Stepping { input: child.stdin.take(), child, lines }
    }

    /// The lines up to the one that contains `text`.
    fn up_to(&self, text: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains(text)) {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => lines.push(line),
                Err(error) => panic!("{error} before {text}: {lines:#?}"),
            }
        }
        lines
    }

    fn enter(&mut self) {
        self.type_in(b"\n");
    }

    fn type_in(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }
}

impl Drop for Stepping {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next announcement can only come after the call of the one before: so it is the row that shows whether a call was
/// made, and a stranger's socket that shows whether it was not.
#[test]
fn a_call_is_not_made_before_enter() {
    let mut run = Stepping::start(&["boundaries", "--step"]);
    let start = run.up_to("server: bind to 127.0.0.1, any port");
    assert!(start.iter().any(|line| line == KEYS), "{start:#?}");
    assert!(start.iter().any(|line| line == "── Scene 1, one-receive: one send, one receive ──"), "{start:#?}");
    // It waits in its call of read, and has no socket that is bound.
    #[cfg(target_os = "linux")]
    assert_eq!(bound_sockets(&run.child), 0);
    run.enter();
    let bind = run.up_to(r#"client: sendto server, 5 bytes "hello""#);
    assert!(bind.len() == 2 && bind[0].starts_with("    bound to 127.0.0.1:"), "a bind is no row: {bind:#?}");
    #[cfg(target_os = "linux")]
    assert_eq!(bound_sockets(&run.child), 1, "the server's; the client's first send would bind its own");
    run.enter();
    let hello = run.up_to(r#"client: sendto server, 5 bytes "world""#);
    let rows: Vec<_> = hello.iter().filter(|line| is_row(line)).collect();
    assert_eq!(rows.len(), 2, "{hello:#?}");
    assert!(rows[0].contains("client") && rows[0].contains("server") && rows[1].contains(r#"╌ sendto "hello" ╌"#));
    run.enter();
    let world = run.up_to(r#"client: sendto server, 6 bytes "sudada""#);
    assert!(world.len() == 2 && world[0].contains(r#"╌ sendto "world" ╌"#), "the ladder has its header: {world:#?}");
    // The end of the input ends the stops and not the run.
    drop(run.input.take());
    let rest = run.up_to("Next: ");
    assert!(
        rest.iter().any(|line| line.contains(if cfg!(target_os = "linux") {
            "22 of 22 rows as expected"
        } else {
            "20 of 20 rows as expected"
        })) && !rest.iter().any(|line| line.starts_with("server: "))
    );
    assert!(run.child.wait().unwrap().success());
}

/// How many UDP sockets of the process the kernel lists: those that have a port.
#[cfg(target_os = "linux")]
fn bound_sockets(child: &Child) -> usize {
    let table = std::fs::read_to_string(format!("/proc/{}/net/udp", child.id())).unwrap();
    let inodes: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(9)).collect();
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let sockets = links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()));
    sockets.filter(|inode| inodes.contains(&inode.as_str())).count()
}

/// The clock of the lesson stands still at a stop: its own time and the time of the stop fit into the whole.
#[test]
fn waiting_is_no_time_of_the_lesson() {
    let file = place("clock.json");
    let whole = Instant::now();
    let mut run = Stepping::start(&["truncation", "--step", "--export", file.to_str().unwrap(), "--force"]);
    run.up_to("server: bind");
    let stop = Instant::now();
    // Longer than all the rest takes, so that a clock that goes on would not fit.
    while stop.elapsed() < Duration::from_secs(1) {
        thread::yield_now();
    }
    let stop = stop.elapsed();
    run.type_in(b"q\n");
    run.up_to("Next: ");
    run.child.wait().unwrap();
    let whole = whole.elapsed();
    let document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    let last = document["reports"][0]["events"].as_array().unwrap().last().unwrap()["returned_us"].as_u64().unwrap();
    assert!(Duration::from_micros(last) + stop <= whole, "{last} us, {stop:?} of {whole:?}");
}

#[test]
fn what_threads_do_is_replayed_and_that_is_said() {
    let (out, report) = with_report(&strs(&call_by_call("concurrency", &["--clients", "3"])), &enters(), "workers");
    let talk = conversation(&out, "concurrency");
    assert_eq!(talk.matches(UNSTOPPABLE).count(), 3, "once for each group of threads:\n{talk}");
    for part in talk.split(UNSTOPPABLE).skip(1) {
        let served = part.split("\nclient 1: recvfrom").next().unwrap();
        assert!(served.contains("\nserver: recvfrom") && served.contains("\nserver: sendto client "), "{served}");
    }
    assert_eq!(report.observed("in-hand-of-threads"), "3");
    // Nobody presses Enter any more, and still the threads work to their end: the first of the replay is announced.
    let mut run = Stepping::start(&["concurrency", "--clients", "1", "--step", "--scene", "1"]);
    run.up_to("server: bind");
    run.enter();
    run.up_to("client 1: sendto server");
    run.enter();
    let replay = run.up_to("client 1: sendto server, an end marker");
    assert!(replay.iter().any(|line| line.starts_with(UNSTOPPABLE)), "{replay:#?}");
    let (out, _) = with_report(&strs(&call_by_call("delivery", &[])), &enters(), "together");
    assert_eq!(out.matches(UNSTOPPABLE).count(), 1, "two clients send at once: {out}");
}

/// A minute after a close the system has forgotten the connection: who waits there would see another answer.
#[test]
fn nothing_waits_while_the_system_counts_the_time_of_a_closed_connection() {
    let (out, report) = with_report(&strs(&call_by_call("compare", &[])), &enters(), "time-wait");
    let scene = out.split(": TIME-WAIT").nth(1).unwrap().split("\n\n").next().unwrap();
    let parts: Vec<&str> = scene.split(UNSTOPPABLE).collect();
    assert_eq!(parts.len(), 3, "TCP, and the moment between close and bind of UDP: {scene}");
    assert!(parts[0].contains("server: accept (TCP)") && !parts[0].contains("close"), "{scene}");
    assert!(parts[1].contains("EADDRINUSE") || cfg!(windows), "{scene}");
    assert!(parts[1].contains("client: sendto server, 5 bytes"), "{scene}");
    assert!(!report.with_verdict("match").is_empty());
}

#[test]
fn calls_that_are_alike_need_one_enter() {
    let (out, report) = with_report(&["delivery", "--messages", "5000"], &enters(), "alike");
    let talk = conversation(&out, "delivery");
    let first = talk_of_scene(talk, &report, "sent").split("server: recvfrom").next().unwrap();
    assert_eq!(first.matches("client: sendto server, 100 bytes").count(), 5, "{first}");
    assert!(first.contains(r#"client: sendto server, 100 bytes "4 4 4 4 4 4 4 4 …", and all like it that follow"#));
    assert!(first.contains("(4994 more)") && first.contains(r#" "4999 4999 4999 4…" "#), "{first}");
    // What comes after them is a call of its own again.
    assert!(talk.contains(r#"client: sendto server, 8 bytes "one more""#), "{talk}");
}

#[test]
fn a_runs_the_rest_and_n_goes_to_the_next_scene() {
    for key in ["a", "q"] {
        let (out, _) = with_report(&["truncation"], format!("\n{key}\n\n\n\n").as_bytes(), key);
        let talk = conversation(&out, "truncation");
        assert_eq!(announced(talk).len(), 2, "{talk}");
        assert!(out.contains("19 of 19 rows as expected") || !cfg!(target_os = "linux"), "{out}");
    }

    let (out, _) = with_report(&["truncation"], &b"n\n".repeat(100), "n-whole");
    let talk = conversation(&out, "truncation");
    assert!(!talk.lines().any(is_row), "a scene that is left is not drawn: {talk}");

    // A scene that is left behind its first arrow is drawn to its end: no arrow stays open.
    let first_arrow = b"\n\n\n\nn\n";
    let (out, _) = with_report(&["truncation", "--scene", "1"], first_arrow, "n-amid");
    let talk = conversation(&out, "truncation");
    assert!(talk.contains("?│") && talk.contains("recvfrom: \"h\""), "{talk}");

    let (out, report) = with_report(&strs(&call_by_call("truncation", &[])), &b"n\n".repeat(100), "n");
    let talk = conversation(&out, "truncation");
    // A scene of which this system has nothing is not run.
    let rows = report.rows().iter().filter(|row| row["verdict"] != "skipped");
    let mut scenes: Vec<&str> = rows.map(|row| row["scene"].as_str().unwrap()).collect();
    scenes.dedup();
    assert_eq!(announced(talk).len(), scenes.len(), "{talk}");
    for scene in scenes {
        assert!(talk.contains(&format!(": {scene} ──")), "{scene}:\n{talk}");
    }
}

#[test]
fn without_input_it_runs_to_its_end() {
    for input in [&b""[..], b"\n", b"\xff\xfe\n"] {
        let run = with_input(&["truncation", "--step"], input);
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        assert!(announced(conversation(&run.out, "truncation")).len() <= 2, "{}", run.out);
        assert!(run.out.ends_with(&format!(" {}\n", support::lesson("truncation").next())), "{}", run.out);
    }
}

/// A folder can be opened, and not be read.
#[cfg(unix)]
#[test]
fn input_that_cannot_be_read_is_no_enter() {
    for command in ["truncation", "all"] {
        let folder = std::fs::File::open(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let run = Run::from(udp_lab().args([command, "--step", "--width", "200"]).stdin(folder).output().unwrap());
        assert_eq!(run.status, 3, "{}", run.out);
        assert!(run.out.contains("The input cannot be read, so the rest runs without a stop."), "{}", run.out);
        assert!(run.out.contains("Verdict"), "{}", run.out);
        assert!(run.err.starts_with("udp-lab: --step: cannot read the input: "), "{}", run.err);
    }
}

#[test]
fn it_goes_with_the_other_options_and_with_all() {
    let run = with_input(&["truncation", "--step", "--predict=b", "--trace"], &enters());
    let question = "A datagram is longer than the buffer";
    assert!(run.out.find(KEYS).unwrap() < run.out.find("You said b)").unwrap(), "{}", run.out);
    assert!(run.out.contains("sendto(") && run.out.matches(question).count() == 1, "{}", run.out);

    let run = with_input(&["all", "--step"], &enters());
    assert_eq!(run.out.matches(KEYS).count(), 1);
    for lesson in LESSONS {
        let heading = format!("{}: {}\n", lesson.name, lesson.question);
        assert_eq!(run.out.matches(&heading).count(), 2, "before and after its calls: {heading}");
    }
    assert!(run.out.contains("all: every lesson"));

    let run = with_input(&["all", "--step"], b"q\n");
    assert_eq!(run.out.matches("server: bind").count(), 1, "q holds for every lesson");
}

/// Nobody reads any more: it neither waits nor complains.
#[test]
fn a_closed_pipe_ends_the_stops() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut child = udp_lab();
    child.args(["delivery", "--step"]).stdin(Stdio::piped()).stdout(writer.try_clone().unwrap()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut output = BufReader::new(reader);
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    // A program that another test starts at this moment may hold the reading end until it runs.
    while writer.write_all(b" ").is_ok() {
        thread::yield_now();
    }
    // Where it waits already, this Enter lets it find out; where it has found out, nobody reads it.
    let mut input = child.stdin.take().unwrap();
    let _ = input.write_all(b"\n");
    let status = child.wait().unwrap();
    drop(input);
    assert!(status.success(), "{status}");
    assert_eq!(std::io::read_to_string(child.stderr.take().unwrap()).unwrap(), "");
}

#[test]
fn only_a_table_is_a_conversation() {
    for format in ["json", "csv", "plain", "markdown"] {
        for command in ["boundaries", "all"] {
            let run = run([command, "--step", "--format", format]);
            assert_eq!((run.status, run.out.as_str()), (2, ""), "{format}");
            assert!(run.err.contains("--step is a conversation: it goes with --format table only"), "{}", run.err);
        }
    }
}

#[test]
fn it_fits_every_width_in_ascii_and_without_colour() {
    for width in ["60", "120"] {
        for lesson in LESSONS {
            let mut child = udp_lab();
            child.args([lesson.name, "--step", "--ascii", "--width", width]).stdin(Stdio::piped());
            let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            let keys = [b"?\nx\n".to_vec(), enters()].concat();
            let writer = thread::spawn(move || input.write_all(&keys).err());
            let out = Run::from(child.wait_with_output().unwrap()).out;
            drop(writer.join().unwrap());
            assert!(out.is_ascii() && !out.contains('\x1b'), "{}:\n{out}", lesson.name);
            let most: usize = width.parse().unwrap();
            for line in conversation(&out, lesson.name).lines() {
                assert!(line.len() <= most && line == line.trim_end(), "{} at {width}: {line:?}", lesson.name);
            }
        }
    }
}

/// A terminal ends each announcement's line by itself.
#[test]
#[cfg(unix)]
fn on_a_terminal_enter_ends_the_line() {
    let steps = serde_json::json!([["see", "any port "], ["type", "\n\nq\n"]]);
    let Some(terminal) = support::on_terminal(80, &["truncation", "--step", "--color", "never"], &steps) else {
        return;
    };
    let out = terminal.screen;
    let talk = conversation(&out, "truncation");
    let announced = |text: &str| talk.matches(text).count();
    assert_eq!(announced("server: bind to 127.0.0.1, any port "), 1, "{talk}");
    assert_eq!(announced("client: sendto server, 5 bytes \"hello\" "), 1, "{talk}");
    assert_eq!(announced("client: sendto server, 5 bytes \"world\" "), 1, "{talk}");
    assert_eq!(announced("an end marker"), 0, "{talk}");
    assert!(out.contains("Next: "), "{out}");
}

/// A pipe that does not wait: the next line comes when the stop has been read.
#[cfg(unix)]
#[test]
fn a_stop_waits_for_input_that_does_not_wait_by_itself() {
    use std::io::Read;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let (input, mut keys) = std::io::pipe().unwrap();
    let flags = OFlag::from_bits_retain(fcntl(&input, FcntlArg::F_GETFL).unwrap());
    fcntl(&input, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).unwrap();
    let mut command = udp_lab();
    let mut child = command.args(["boundaries", "--step"]).stdin(input).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut seen = String::new();
    // The first stop is before a bind, the second before a send.
    for announced in ["bind to", "sendto server"] {
        while !seen.contains(announced) {
            let mut bytes = [0; 4096];
            let length = output.read(&mut bytes).unwrap();
            assert!(length > 0, "it went on by itself: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        assert!(!seen.contains("Verdict") && child.try_wait().unwrap().is_none(), "{seen}");
        // Enters as far as the next one.
        keys.write_all(b"\n").unwrap();
    }
    keys.write_all(b"q\n").unwrap();
    drop(keys);
    output.read_to_string(&mut seen).unwrap();
    assert!(seen.contains("Verdict") && child.wait().unwrap().success(), "{seen}");
}

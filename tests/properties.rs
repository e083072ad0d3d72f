//! Whatever is given, received or observed: arguments, payloads, reports. The cases are the same in every run.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use crate::support;
use proptest::collection::{SizeRange, vec};
use proptest::option::of as maybe;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use pulldown_cmark::{Event as Part, Options, Parser, Tag, TagEnd};
use udp_lab::kernel::{HERE, option};
use udp_lab::lessons::LESSONS;
use udp_lab::render::{Detail, FILE_FORMATS, Format, Invocation, RenderOptions, Results, pcapng, trace};
use udp_lab::vocabulary::{
    Action, Ancillary, Beside, Direction, Event, Flags, Machine, Moment, Os, OsError, Outcome, PEEK, POLLIN, POLLOUT,
    Peer, Protocol, Receive, ReceiveForm, Received, Report, Role, Row, SceneReport, SendForm, Sentence, Source,
    Strength, Syscall, TRUNC, Trigger, Verdict, WAITALL, escape, escaped, quoted, shortened, sources,
};

/// Tries `check` on so many values, each time the same ones; what fails is printed and not kept in files.
fn for_any<S: Strategy>(cases: u32, strategy: S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(&strategy, check).unwrap_or_else(|error| panic!("{error}"));
}

// Arguments.

fn argument() -> impl Strategy<Value = OsString> {
    let names = LESSONS.iter().map(|lesson| lesson.name).collect::<Vec<_>>();
    let words = [
        "all",
        "list",
        "server",
        "client",
        "relay",
        "expect",
        "explain",
        "find",
        "10054",
        "systems",
        "doctor",
        "completions",
        "man",
        "help",
        "--help",
        "-h",
        "--version",
        "--format",
        "json",
        "plain",
        "--width",
        "--width=60",
        "--ascii",
        "--color",
        "never",
        "--predict",
        "--export",
        "--export=.csv",
        "--export=x.json",
        "--force",
        "--buffer",
        "--buffer=0",
        "--clients",
        "--work",
        "--messages",
        "--size",
        "--count",
        "--reply",
        "--timeout",
        "--lose",
        "--delay",
        "--seed",
        "--hex",
        "--trace",
        "--no-picture",
        "--quiet",
        "--",
        "-",
        "",
        "0",
        "1",
        "-1",
        "65535",
        "65536",
        "18446744073709551616",
        "20ms",
        "20ms..80ms",
        "30%",
        "1h",
        "9999999999999999y",
        "127.0.0.1:0",
        "[::1]:1",
        ":",
        "[:1",
        "hello",
        "你好",
    ];
    #[cfg(unix)]
    let bytes = vec(any::<u8>(), 0..20).prop_map(std::os::unix::ffi::OsStringExt::from_vec);
    #[cfg(not(unix))]
    let bytes = any::<String>().prop_map(OsString::from);
    prop_oneof![
        3 => proptest::sample::select(names).prop_map(OsString::from),
        10 => proptest::sample::select(words.to_vec()).prop_map(OsString::from),
        1 => any::<String>().prop_map(OsString::from),
        2 => bytes,
    ]
}

#[test]
fn any_arguments_are_understood_or_refused() {
    for_any(500, vec(argument(), 0..8), |arguments| {
        let command = udp_lab::cli::command();
        match command.try_get_matches_from([OsString::from("udp-lab")].into_iter().chain(arguments)) {
            // 0 for help and the version.
            Err(error) => prop_assert!([0, 2].contains(&error.exit_code()), "{error}"),
            Ok(matches) => {
                // The program alone shows where to start.
                let Some((name, matches)) = matches.subcommand() else { return Ok(()) };
                if let Some(lesson) = LESSONS.iter().find(|lesson| lesson.name == name)
                    && let Err(error) = lesson.scenes(matches)
                {
                    prop_assert_eq!(error.exit_code(), 2);
                }
            }
        }
        Ok(())
    });
}

/// What takes part in nothing but text: no argument that runs a lesson or opens a socket is among these.
#[test]
fn the_binary_refuses_nonsense_with_a_sentence() {
    for_any(40, (0..LESSONS.len(), vec(argument(), 0..4)), |(lesson, arguments)| {
        let output = Command::new(env!("CARGO_BIN_EXE_udp-lab"))
            .arg(LESSONS[lesson].name)
            .args(["--no-such-option"])
            .args(&arguments)
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        prop_assert!(!err.contains("panicked"), "{err}");
        match output.status.code() {
            // Help asked for before the nonsense.
            Some(0) => prop_assert!(output.stderr.is_empty()),
            code => prop_assert!(code == Some(2) && err.starts_with("error: "), "{code:?} {err}"),
        }
        Ok(())
    });
}

// Payloads.

fn payload(length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    let length = length.into();
    prop_oneof![
        vec(any::<u8>(), length.clone()),
        vec(any::<char>(), length).prop_map(|chars| chars.into_iter().collect::<String>().into_bytes()),
    ]
}

/// What acts on a terminal, or hides in it. Joiners and variation selectors are shown behind what they belong to.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e007f}')
}

/// Undoes the escapes of a Rust string, and those of bytes that are no text.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = match (c, (c == '\\').then(|| rest.next()).flatten()) {
            (c, None) => c,
            (_, Some('n')) => '\n',
            (_, Some('r')) => '\r',
            (_, Some('t')) => '\t',
            (_, Some('0')) => '\0',
            (_, Some('x')) => {
                let digits: String = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
                continue;
            }
            (_, Some('u')) => {
                let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                u32::from_str_radix(&digits, 16).unwrap().try_into().unwrap()
            }
            (_, Some(same)) => same,
        };
        bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }
    bytes
}

#[test]
fn any_payload_is_printable_and_comes_back_from_its_escapes() {
    for_any(500, (payload(0..100), 0_usize..80), |(bytes, longest)| {
        let (text, all) = escaped(&bytes, usize::MAX);
        prop_assert!(all && !text.chars().any(acts), "{text:?}");
        prop_assert_eq!(unescaped(&text), &bytes[..]);

        let (start, all) = escaped(&bytes, longest);
        prop_assert!(text.starts_with(&*start) && start.chars().count() <= longest && all == (start == text));
        prop_assert!(bytes.starts_with(&unescaped(&start)));
        for text in [quoted(&bytes, longest), shortened(&bytes, longest)] {
            prop_assert!(text.starts_with(&format!("\"{start}")) && !text.chars().any(acts), "{text:?}");
        }
        Ok(())
    });
}

// Reports.

fn text() -> impl Strategy<Value = String> {
    let nasty = [
        "",
        " ",
        "|",
        "a|b",
        "\\",
        "*a*",
        "_b_",
        "`c`",
        "<b>",
        "&amp;",
        "[x](y)",
        "~",
        "# h",
        "$x$",
        "=1+1",
        "\"",
        "a,b",
        "a\nb",
        "a\r\nb",
        "\x1b[31m",
        "\u{202e}x",
        "你好你好你好",
        "e\u{301}",
        "---",
        "- a",
        "1. a",
        "> q",
        "![i](u)",
        "http://x.y",
        "a  b",
        "\t",
        "…",
        "−",
        "\u{feff}",
    ];
    prop_oneof![
        3 => "[a-z ,.:0-9]{0,60}",
        2 => proptest::sample::select(nasty.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z]{200}",
        1 => (0_usize..20).prop_map(|n| if n == 0 { "w".repeat(40_000) } else { "\u{e000}".to_owned() }),
    ]
}

/// What no document is called.
static AWKWARD: Source = Source { cite: "a|b, \"c\" <i>d</i>\ne", says: "\u{202e}</details>" };

fn source() -> impl Strategy<Value = &'static Source> {
    proptest::sample::select(sources::ALL.iter().copied().chain([&AWKWARD]).collect::<Vec<_>>())
}

fn row() -> impl Strategy<Value = Row> {
    let verdict = proptest::sample::select(vec![Verdict::Match, Verdict::Differs, Verdict::Skipped, Verdict::Info]);
    let strength = proptest::sample::select(vec![Strength::Specified, Strength::Typical]);
    let texts = (text(), text(), text(), source(), maybe(text()));
    (texts, verdict, strength, maybe(beside())).prop_map(|(texts, verdict, strength, beside)| Row {
        id: "id".to_owned(),
        property: texts.0,
        beside,
        expected: texts.1,
        expected_value: None,
        observed: texts.2,
        observed_value: None,
        verdict,
        strength,
        source: texts.3,
        reason: texts.4,
        advice: None,
        is_measured: false,
    })
}

/// Of the same property now and then, so that there are pairs.
fn beside() -> impl Strategy<Value = Beside> {
    let protocol = proptest::sample::select(vec![Protocol::Udp, Protocol::Tcp]);
    (protocol, prop_oneof![Just("the same".to_owned()), text()])
        .prop_map(|(protocol, property)| Beside { protocol, property })
}

fn sentence() -> impl Strategy<Value = Sentence> {
    let sentence = Sentence::put("\"a|b\" *c* <i>d</i> \u{202e}").exactly("x_y_ & \u{200b}z");
    let rules = [sentence, sentence.holds_when(&["id"]), sentence.loosely_when(&["id"]), sentence.not_when(&["no"])];
    proptest::sample::select(rules.to_vec())
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let ips = ["127.0.0.1", "127.0.0.2", "::1"].map(|ip| ip.parse::<std::net::IpAddr>().unwrap());
    (proptest::sample::select(ips.to_vec()), any::<u16>()).prop_map(SocketAddr::from)
}

fn name() -> impl Strategy<Value = String> {
    let names = ["client", "server", "client 1", "client 2", "nobody", "另一个", "a\nb"];
    proptest::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn peer() -> impl Strategy<Value = Peer> {
    (name(), address()).prop_map(|(name, address)| Peer { name, address })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![20 => payload(0..40), 1 => Just(vec![b'x'; 65_507]), 1 => Just(vec![b'x'; 70_000])]
}

fn error() -> impl Strategy<Value = OsError> {
    any::<i32>().prop_map(|number| OsError::from_number(number, Os::Linux))
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let received =
        (bytes(), maybe(peer()), 0_usize..70_000, any::<bool>()).prop_map(|(bytes, from, returned, truncated)| {
            Outcome::Received(Received { bytes, from, returned, truncated, ancillary: Ancillary::default() })
        });
    prop_oneof![
        Just(Outcome::Done),
        (0_usize..70_000).prop_map(Outcome::Sent),
        received,
        any::<u64>().prop_map(Outcome::Accepted),
        any::<i32>().prop_map(Outcome::Value),
        address().prop_map(Outcome::Address),
        Just(Outcome::Nothing),
        (error(), payload(0..20)).prop_map(|(error, buffer)| Outcome::Failed { error, buffer }),
    ]
}

fn receive() -> impl Strategy<Value = Receive> {
    let forms = vec![ReceiveForm::Recv, ReceiveForm::From, ReceiveForm::Message, ReceiveForm::Read];
    let flags = vec![Flags::default(), PEEK, TRUNC, WAITALL, PEEK | TRUNC];
    let select = (proptest::sample::select(forms), proptest::sample::select(flags));
    (select, vec(0_usize..70_000, 0..4), any::<bool>()).prop_map(|((form, flags), buffers, waits)| Receive {
        form,
        buffers,
        flags,
        waits,
    })
}

fn syscall() -> impl Strategy<Value = Syscall> {
    let form = prop_oneof![
        Just(SendForm::Connected),
        peer().prop_map(SendForm::To),
        (peer(), vec(0_usize..20, 0..4)).prop_map(|(to, parts)| SendForm::Message { to, parts }),
        (peer(), any::<Ipv4Addr>()).prop_map(|(to, source)| SendForm::MessageFrom { to, source }),
        (peer(), any::<u16>()).prop_map(|(to, source_port)| SendForm::Raw { to, source_port }),
    ];
    prop_oneof![
        1 => address().prop_map(Syscall::Bind),
        1 => peer().prop_map(Syscall::Connect),
        1 => Just(Syscall::Disconnect),
        4 => (form, bytes()).prop_map(|(form, payload)| Syscall::Send { form, payload }),
        4 => receive().prop_map(Syscall::Receive),
        1 => any::<i32>().prop_map(|value| Syscall::SetOption { option: option::RECEIVE_BUFFER.name, value }),
        1 => Just(Syscall::GetOption(option::REUSE_PORT.name)),
        1 => any::<i32>().prop_map(Syscall::Listen),
        1 => Just(Syscall::Accept),
        1 => Just(Syscall::Shutdown(Direction::Receiving)),
        1 => any::<bool>().prop_map(Syscall::SetNonBlocking),
        1 => prop_oneof![Just(POLLIN), Just(POLLIN | POLLOUT)].prop_map(Syscall::Poll),
        1 => Just(Syscall::Duplicate),
        1 => Just(Syscall::QueuedBytes),
        1 => Just(Syscall::UnsentBytes),
        1 => prop_oneof![Just(Syscall::SocketName), Just(Syscall::PeerName)],
        1 => Just(Syscall::EpollCreate),
        1 => (any::<u64>(), proptest::sample::select(vec![Trigger::Level, Trigger::Edge]))
            .prop_map(|(epoll, trigger)| Syscall::EpollAdd { epoll, trigger }),
        1 => any::<u64>().prop_map(|epoll| Syscall::EpollWait { epoll }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(process, thread)| Syscall::Signal { process, thread }),
        1 => Just(Syscall::Close),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let moments = vec![Moment::LoopStarts, Moment::RequestBegins, Moment::RequestEnds];
    let action = prop_oneof![
        6 => (syscall(), outcome()).prop_map(|(call, outcome)| Action::Call(call, outcome)),
        1 => proptest::sample::select(moments).prop_map(Action::Moment),
    ];
    let protocol = proptest::sample::select(vec![Protocol::Udp, Protocol::Tcp]);
    let role = proptest::sample::select(vec![Role::Lesson, Role::EndMarker, Role::Lab]);
    let who = (0_u64..5_000_000, name(), protocol, any::<u64>(), maybe(address()), maybe(peer()));
    let some = (who, role, action).prop_map(|(who, role, action)| Event {
        returned: Duration::from_micros(who.0),
        who: who.1,
        protocol: who.2,
        descriptor: who.3,
        local: who.4,
        peer: who.5,
        role,
        left_out: 0,
        action,
    });
    // As often what a capture takes.
    let whole =
        (some, any::<bool>(), peer(), bytes()).prop_map(|(event, sent, to, payload)| match (event.local, sent) {
            (Some(address), true) => {
                let to = Peer { address, ..to };
                let outcome = Outcome::Sent(payload.len());
                let action = Action::Call(Syscall::Send { form: SendForm::To(to.clone()), payload }, outcome);
                Event { protocol: Protocol::Udp, peer: Some(to), action, ..event }
            }
            _ => event,
        });
    // Now and then one of which the log keeps the beginning.
    (whole, proptest::sample::select(vec![usize::MAX, usize::MAX, 5])).prop_map(|(mut event, kept)| {
        event.shorten(kept);
        event
    })
}

fn scene() -> impl Strategy<Value = SceneReport> {
    let title = proptest::sample::select(vec!["one", "two | 2", "三\n3"]);
    let parts = (vec(row(), 0..4), vec(event(), 0..8), vec(text(), 0..2), maybe(text()), maybe(sentence()));
    (title, parts).prop_map(|(title, (rows, events, notes, stopped, sentence))| SceneReport {
        number: 1,
        id: "scene",
        os: HERE,
        title: title.to_owned(),
        answer: "It returned {receive-1} and {no-such-row row}.".to_owned(),
        sentence,
        rows,
        events,
        notes,
        stopped,
    })
}

fn report() -> impl Strategy<Value = Report> {
    (0..LESSONS.len(), vec(scene(), 0..3), any::<u32>()).prop_map(|(lesson, scenes, began)| {
        let lesson = LESSONS[lesson];
        Report {
            lesson: lesson.name,
            title: lesson.title,
            question: lesson.question,
            scenes,
            keys: &["id"],
            guess: lesson.guess,
            why: lesson.why,
            next: lesson.next(),
            began: UNIX_EPOCH + Duration::from_secs(began.into()),
        }
    })
}

fn options() -> impl Strategy<Value = RenderOptions> {
    let detail = proptest::sample::select(vec![Detail::Answer, Detail::Scenes, Detail::Full]);
    (60_u16..=500, any::<bool>(), any::<bool>(), any::<bool>(), detail).prop_map(
        |(width, ascii, ladder, why, detail)| RenderOptions {
            width,
            ascii,
            ladder,
            why,
            detail,
            ..RenderOptions::everything(80)
        },
    )
}

fn run() -> impl Strategy<Value = (Vec<Report>, RenderOptions, Vec<String>)> {
    (vec(report(), 1..3), options(), vec(text(), 0..4))
}

/// What the renderers are given.
fn with_results(run: &(Vec<Report>, RenderOptions, Vec<String>), check: impl FnOnce(Results<'_>)) {
    let host = Machine { os: Os::Linux, release: "6.18.44".to_owned(), arch: "x86_64" };
    let (reports, options, arguments) = run;
    let invocation = Invocation::default();
    check(Results { reports, host: &host, options: *options, invocation: &invocation, arguments, trace: false });
}

fn scenes(run: &(Vec<Report>, RenderOptions, Vec<String>)) -> impl Iterator<Item = (&Report, &SceneReport)> {
    run.0.iter().flat_map(|report| report.scenes.iter().map(move |scene| (report, scene)))
}

fn rows(run: &(Vec<Report>, RenderOptions, Vec<String>)) -> impl Iterator<Item = (&Report, &Row)> {
    scenes(run).flat_map(|(report, scene)| scene.rows.iter().map(move |row| (report, row)))
}

#[test]
fn a_table_of_anything_is_as_wide_as_it_may_be_and_harmless() {
    for_any(60, run(), |run| {
        with_results(&run, |results| {
            let table = Format::Table.reports(&results);
            let table = anstream::adapter::strip_str(&table).to_string();
            for line in table.lines() {
                let width = textwrap::core::display_width(line);
                assert!(width <= run.1.width.into(), "{width} columns, {}: {line}", run.1.width);
                assert!(!line.chars().any(acts), "{line:?}");
                assert!(!run.1.ascii || line.is_ascii(), "{line}");
            }
        });
        Ok(())
    });
}

#[test]
fn plain_lines_of_anything_are_keys_and_values() {
    for_any(60, run(), |run| {
        with_results(&run, |results| {
            let plain = Format::Plain.reports(&results);
            for line in plain.lines() {
                let key = line.split(':').next().unwrap();
                assert!(key.bytes().all(|byte| byte.is_ascii_lowercase()), "{line:?}");
                assert!(!line.chars().any(acts), "{line:?}");
            }
            let ids = plain.lines().filter(|line| *line == "id: id").count();
            assert_eq!(ids, rows(&run).count());
        });
        Ok(())
    });
}

#[test]
fn json_of_anything_comes_back_the_same() {
    for_any(60, run(), |run| {
        with_results(&run, |results| {
            let document: serde_json::Value = serde_json::from_str(&Format::Json.reports(&results)).unwrap();
            let reports = document["reports"].as_array().unwrap();
            assert_eq!(reports.len(), run.0.len());
            for (read, written) in reports.iter().zip(&run.0) {
                assert_eq!(read["rows"].as_array().unwrap().len(), written.rows().count());
                assert_eq!(read["events"].as_array().unwrap().len(), written.events().count());
                for (read, written) in read["rows"].as_array().unwrap().iter().zip(written.rows()) {
                    let texts = [written.property.as_str(), &written.expected, &written.observed, written.source.cite];
                    assert_eq!(
                        ["property", "expected", "observed", "source"].map(|key| read[key].as_str().unwrap()),
                        texts
                    );
                    assert_eq!(read["reason"].as_str(), written.reason.as_deref());
                }
                for (read, written) in read["events"].as_array().unwrap().iter().zip(written.events()) {
                    let payload = read["payload"].as_str().map(unescaped);
                    assert_eq!(payload.as_deref(), written.payload());
                }
            }
        });
        Ok(())
    });
}

#[test]
fn csv_of_anything_is_a_record_for_each_row() {
    for_any(60, run(), |run| {
        with_results(&run, |results| {
            let text = Format::Csv.reports(&results);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert_eq!(records.len(), rows(&run).count(), "{text}");
            let all = scenes(&run).flat_map(|(report, scene)| scene.rows.iter().map(move |row| (report, scene, row)));
            for (record, (report, scene, row)) in records.iter().zip(all) {
                let (verdict, strength) = (row.verdict.word(), row.strength.word());
                let fields = [
                    report.lesson,
                    &scene.title,
                    &row.id,
                    &row.property,
                    &row.expected,
                    &row.observed,
                    verdict,
                    strength,
                    row.source.cite,
                    row.reason.as_deref().unwrap_or_default(),
                ];
                assert_eq!(record.iter().collect::<Vec<_>>(), fields);
            }
        });
        Ok(())
    });
}

/// The cells of the tables of a page that a reader of Markdown sees; text in any other form than text is a failure.
fn cells(page: &str) -> Vec<Vec<String>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
    let (mut rows, mut within) = (Vec::<Vec<String>>::new(), false);
    for part in Parser::new_ext(page, options) {
        match part {
            Part::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Part::Start(Tag::TableCell) => {
                within = true;
                rows.last_mut().into_iter().for_each(|row| row.push(String::new()));
            }
            Part::End(TagEnd::TableCell) => within = false,
            Part::Text(text) if within => {
                if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&text);
                }
            }
            Part::Start(Tag::Strong) | Part::End(TagEnd::Strong) => {}
            part => assert!(!within, "{part:?} in a cell of {page}"),
        }
    }
    rows
}

#[test]
fn markdown_of_anything_has_the_same_cells() {
    for_any(60, run(), |run| {
        with_results(&run, |results| {
            let options = RenderOptions { ascii: false, ladder: false, ..run.1 };
            let page = Format::Markdown.reports(&Results { options, ..results });
            assert!(!page.lines().any(|line| line.chars().any(acts)), "{page:?}");
            let shown = |text: &str| {
                let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                escape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
            };
            let seen: Vec<Vec<String>> = cells(&page)
                .into_iter()
                .filter(|row| row.len() == 5 && !["", "Verdict"].contains(&row[3].as_str()))
                .collect();
            let seen: Vec<Vec<String>> = seen.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
            let wanted: Vec<Vec<String>> = rows(&run)
                .map(|(_, row)| {
                    let usual = row.strength == Strength::Typical && row.verdict != Verdict::Info;
                    let property = format!("{}{}", if usual { "~ " } else { "" }, row.property);
                    let reason = row.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
                    let verdict = format!("{}{reason}", row.verdict.word());
                    [property.as_str(), &row.expected, &row.observed, &verdict, row.source.cite].map(shown).to_vec()
                })
                .collect();
            assert_eq!(seen, wanted, "{page}");
        });
        Ok(())
    });
}

#[test]
fn a_trace_of_anything_is_made_of_harmless_lines() {
    for_any(60, (report(), options()), |(report, options)| {
        let text = trace::text(&report, options);
        prop_assert!(!text.lines().any(|line| line.chars().any(acts)), "{text:?}");
        prop_assert!(!options.ascii || text.is_ascii(), "{text}");
        Ok(())
    });
}

#[test]
fn every_kind_of_file_can_be_written_of_anything() {
    for_any(40, run(), |run| {
        with_results(&run, |results| {
            for (ending, write) in FILE_FORMATS {
                let file = write(&results);
                let text = std::str::from_utf8(&file);
                assert!(*ending == "pcapng" || text.is_ok(), "{ending}");
                let shown = ["html", "txt"].contains(ending);
                assert!(!shown || !text.unwrap().lines().any(|line| line.chars().any(acts)), "{ending}: {text:?}");
            }
        });
        Ok(())
    });
}

/// One file of several reports, one after another, as `all` writes it.
#[test]
fn tshark_and_tcpdump_read_a_capture_of_anything() {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let reports: Vec<Report> = (0..20).map(|_| report().new_tree(&mut runner).unwrap().current()).collect();
    let captures: Vec<Vec<u8>> = reports.iter().map(pcapng::capture).collect();
    let packets: usize = captures.iter().map(|capture| blocks(capture)).sum();
    assert!(packets > 5, "{packets} packets");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("properties-{}.pcapng", std::process::id()));
    fs::write(&file, captures.concat()).unwrap();
    for (program, arguments) in
        [("tshark", &["-n", "-T", "fields", "-e", "frame.number", "-r"][..]), ("tcpdump", &["-nn", "-t", "-r"])]
    {
        let Ok(output) = Command::new(program).args(arguments).arg(&file).output() else {
            support::missing(&format!("{program}, to read the capture"));
            continue;
        };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program}: {err}");
        assert_eq!(out.lines().filter(|line| !line.starts_with('\t')).count(), packets, "{program}: {out}{err}");
    }
}

/// How many packets are in a capture of whole blocks.
fn blocks(capture: &[u8]) -> usize {
    let number = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().unwrap());
    let (mut at, mut kinds, mut packets) = (0, BTreeSet::new(), 0);
    while at < capture.len() {
        let length = number(at + 4) as usize;
        assert_eq!(number(at + length - 4) as usize, length, "a block ends with its length");
        kinds.insert(number(at));
        packets += usize::from(number(at) == 6);
        at += length;
    }
    assert!(kinds.iter().all(|kind| [0x0a0d_0d0a, 1, 6].contains(kind)), "{kinds:?}");
    packets
}

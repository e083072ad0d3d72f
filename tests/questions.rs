//! The questions of docs/questions.md: each is answered by its command, and found by its words.

use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use udp_lab::kernel::option;
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::questions::{self, Answer, Index, Question};
use udp_lab::render::glossary;
use udp_lab::vocabulary::{Os, SocketError};

#[cfg(target_os = "linux")]
use crate::support::{self, Run, in_world, udp_lab};
use crate::support::{Report, concurrently, run, say};

/// How many answers somebody reads before giving up.
const READ: usize = 3;

fn all() -> Vec<Question> {
    questions::all().expect("the page is in its form")
}

fn index() -> Index {
    Index::new(&all(), &glossary::terms(), LESSONS).expect("every row is one of its lesson")
}

/// The lesson that a command runs; nothing where it is another program.
fn lesson_of(question: &Question) -> Option<&'static Lesson> {
    let name = question.command.split(' ').next();
    LESSONS.iter().copied().find(|lesson| Some(lesson.name) == name)
}

fn document(words: &str) -> Value {
    let found = run(["find", "--format", "json", "--", words]);
    assert_eq!((found.status, found.err.as_str()), (0, ""), "{words}: {}", found.out);
    serde_json::from_str(&found.out).unwrap()
}

/// The place of `heading` among what was found, from 0.
fn place(answers: &[&Answer], heading: &str) -> Option<usize> {
    answers.iter().position(|answer| answer.heading == heading)
}

#[test]
fn the_command_of_each_question_has_its_row() {
    let mut by_command: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for question in all().into_iter().filter(|question| lesson_of(question).is_some()) {
        by_command.entry(question.command.clone()).or_default().push(question);
    }
    assert!(by_command.len() > 30, "{} commands", by_command.len());
    concurrently(by_command, |(command, questions)| {
        let report = Report::from(run(command.split(' ').chain(["--format", "json"])));
        for question in questions {
            let row = report.row(&question.row);
            let missing = missing(&question);
            match row["verdict"].as_str() {
                Some("match" | "info") => assert_eq!(missing, None, "{command}: {}", question.row),
                Some("skipped") => {
                    assert_eq!(missing.as_deref(), row["reason"].as_str(), "{command}: {}", question.row);
                    say(&format!("not seen here: {command}, {}: {}", question.row, row["reason"]));
                }
                _ => panic!("{command}: {row}"),
            }
        }
    });
}

/// Why this machine cannot show the row of `question`, as `find` says.
fn missing(question: &Question) -> Option<String> {
    let found = document(&question.text);
    let answers = found["answers"].as_array().unwrap();
    let answer = answers.iter().find(|answer| answer["question"] == question.text.as_str());
    let answer = answer.unwrap_or_else(|| panic!("{} is not found by its own words", question.text));
    assert_eq!(answer["command"], format!("udp-lab {}", question.command));
    assert_eq!(answer["id"], question.row.as_str());
    answer["missing"].as_str().map(str::to_owned)
}

#[test]
fn a_question_without_a_scene_names_a_row_that_the_screen_shows() {
    for question in all() {
        let Some(lesson) = lesson_of(&question) else { continue };
        let shows_all = question.command.contains(" --scene ");
        assert!(shows_all || lesson.keys.contains(&question.row.as_str()), "{}: {}", question.command, question.row);
    }
}

/// A server that ends with its test, also where that fails.
#[cfg(target_os = "linux")]
struct Server(Child);

#[cfg(target_os = "linux")]
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server answers at its own port, which may be in use outside.
#[test]
#[cfg(target_os = "linux")]
fn the_programs_that_answer_print_their_rows() {
    support::in_a_namespace(module_path!(), "each_program_prints_its_row");
}

#[test]
#[ignore = "needs a network namespace of its own: the_programs_that_answer_print_their_rows"]
#[cfg(target_os = "linux")]
fn each_program_prints_its_row() {
    let is_program = |question: &Question| lesson_of(question).is_none() && !question.is_section;
    let mut programs: Vec<Question> = all().into_iter().filter(is_program).collect();
    programs.sort_by_key(|question| question.command != "server");
    let mut server = Server(udp_lab().arg("server").stdout(Stdio::piped()).spawn().unwrap());
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("In another terminal") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the server greets");
    }
    for question in programs.iter().filter(|question| question.command != "server") {
        let run = run(question.command.split(' '));
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", question.command);
        assert_printed(&question.row, &run.out);
    }
    let interrupted = Command::new("kill").args(["-s", "INT", &server.0.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && server.0.wait().unwrap().success());
    let mut table = String::new();
    output.read_to_string(&mut table).unwrap();
    for question in programs.iter().filter(|question| question.command == "server") {
        assert_printed(&question.row, &table);
    }
}

#[test]
fn a_page_that_answers_has_its_section() {
    let sections: Vec<Question> = all().into_iter().filter(|question| question.is_section).collect();
    assert!(sections.len() > 5, "{} sections", sections.len());
    for Question { command, row, text, .. } in sections {
        let page = run(command.split(' ').chain(["--format", "markdown"]));
        let headings = page.out.lines().map(|line| line.trim_start_matches('#').trim());
        assert!(headings.into_iter().any(|heading| heading == row), "{text}: {command} has no section {row}");
    }
}

/// That a table of names and values has the name `row`.
#[cfg(target_os = "linux")]
fn assert_printed(row: &str, table: &str) {
    let names = table.lines().filter_map(|line| line.strip_prefix('│')?.split('┆').next());
    assert!(names.into_iter().any(|name| name.trim() == row), "no row {row} in\n{table}");
}

#[test]
fn every_lesson_answers_at_least_three_questions() {
    let questions = all();
    for lesson in LESSONS {
        let own = questions.iter().filter(|question| lesson_of(question).is_some_and(|own| own.name == lesson.name));
        let own = own.count();
        assert!(own >= 3, "docs/questions.md has {own} questions that {} answers; it wants three", lesson.name);
    }
}

#[test]
fn each_question_is_found_by_its_own_words_and_by_the_other_ones() {
    let index = index();
    let mut lost = Vec::new();
    for question in all() {
        if place(&index.search(&question.text).answers, &question.text) != Some(0) {
            lost.push(format!("not first: {}", question.text));
        }
        for words in question.also.trim_end_matches('.').split("; ") {
            let found = index.search(words).answers;
            if place(&found, &question.text).is_none_or(|place| place >= READ) {
                lost.push(format!("{words}: {}", question.text));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn an_error_is_found_by_its_names_and_numbers_on_each_system() {
    let index = index();
    for error in SocketError::all() {
        let posix = error.on(Os::Linux).name;
        let names_it = |question: &Question| {
            let text = format!("{} {} {}", question.text, question.sentence, question.also);
            text.split(|c: char| !c.is_alphanumeric()).any(|word| SocketError::named(word) == Some(error))
        };
        let headings: Vec<String> = all().into_iter().filter(names_it).map(|question| question.text).collect();
        if headings.is_empty() {
            continue;
        }
        for on in error.systems().map(|os| error.on(os)) {
            for words in
                [on.name.clone(), on.name.to_lowercase(), on.number.to_string(), format!("errno {}", on.number)]
            {
                let found = index.search(&words);
                assert!(found.errors.contains(&error), "{posix}: {words}");
                let is_found = headings.iter().any(|heading| place(&found.answers, heading).is_some());
                assert!(is_found, "{posix}: {words} finds none of {headings:?}");
            }
        }
    }
}

#[test]
fn an_option_is_found_by_its_name() {
    let index = index();
    for option in option::ALL {
        for words in [option.name.to_owned(), option.name.to_lowercase()] {
            let found = index.search(&words);
            assert_eq!(found.options, [*option], "{words}");
            assert!(!found.answers.is_empty() && found.unknown.is_empty(), "{words}");
        }
    }
    let shown = run(["find", "SO_REUSEPORT"]).out;
    assert!(shown.starts_with("SO_REUSEPORT: an option of sockets on Linux, macOS; not on Windows.\n\n1. "), "{shown}");
}

/// What is asked, and the heading of the first answer.
fn first_answers(asked: &[(&str, &str)]) {
    let index = index();
    let mut wrong = Vec::new();
    for (words, heading) in asked {
        let found = index.search(words);
        let first = found.answers.first().map(|answer| answer.heading.as_str());
        if found.is_nearest || first != Some(heading) {
            wrong.push(format!("{words}: {first:?}, not {heading}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

const IN_USE: &str = "bind fails with \"Address already in use\". Why?";
const REFUSED: &str = "Why do I get \"connection refused\" from UDP? It has no connection.";
const RESET: &str = "My UDP program fails with error 10054, \"connection reset\". Why?";
const TOO_LONG: &str = "sendto fails with \"Message too long\". Why?";
const NOTHING_QUEUED: &str = "recvfrom fails with EAGAIN, \"Resource temporarily unavailable\". Why?";
const TIMEOUT: &str = "How do I set a timeout for recvfrom?";
const CLOSED: &str = "I closed the socket in another thread. Why does recvfrom still wait?";
const NOT_HERE: &str = "bind fails with \"Cannot assign requested address\". Why?";
const FORBIDDEN: &str = "I set SO_REUSEADDR, and bind still fails with \"Address already in use\". Why?";
const NO_ROUTE: &str = "sendto fails with \"Network is unreachable\" or \"No route to host\". Why?";
const NO_SPACE: &str = "sendto fails with \"No buffer space available\". Why?";
const NOT_PERMITTED: &str = "sendto fails with \"Operation not permitted\". Why?";

#[test]
fn a_message_of_python_finds_its_question_first() {
    first_answers(&[
        ("OSError: [Errno 98] Address already in use", IN_USE),
        ("OSError: [Errno 48] Address already in use", IN_USE),
        ("OSError: [Errno 49] Can't assign requested address", NOT_HERE),
        ("socket.error: [Errno 111] Connection refused", REFUSED),
        ("OSError: [Errno 90] Message too long", TOO_LONG),
        (
            "OSError: [Errno 40] Message too long",
            "On macOS sendto fails with \"Message too long\" from 9217 bytes on. Why?",
        ),
        ("[WinError 10040]", "recvfrom fails with error 10040, \"message too long\". Why?"),
        ("ConnectionResetError: [WinError 10054] An existing connection was forcibly closed by the remote host", RESET),
        ("WinError 10054 udp recvfrom server crash", RESET),
        ("BlockingIOError: [WinError 10035]", NOTHING_QUEUED),
        (
            "BlockingIOError: [WinError 10035] A non-blocking socket operation could not be completed immediately",
            NOTHING_QUEUED,
        ),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", NOTHING_QUEUED),
        ("errno 11", NOTHING_QUEUED),
        ("PermissionError: [Errno 1] Operation not permitted", NOT_PERMITTED),
        (
            "[WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions",
            FORBIDDEN,
        ),
        ("OSError: [WinError 10038] An operation was attempted on something that is not a socket", CLOSED),
        ("OSError: [Errno 105] No buffer space available", NO_SPACE),
        ("ENOBUFS", NO_SPACE),
        ("OSError: [Errno 65] No route to host", NO_ROUTE),
        ("OSError: [WinError 10051] A socket operation was attempted to an unreachable network", NO_ROUTE),
        (
            "ConnectionRefusedError: [WinError 10061] No connection could be made because the target machine actively refused it",
            REFUSED,
        ),
        ("TimeoutError", TIMEOUT),
        (
            "TypeError: a bytes-like object is required, not 'str'",
            "TypeError: a bytes-like object is required, not 'str', in sendto",
        ),
        (
            "Traceback (most recent call last):\n  File \"client.py\", line 14, in <module>\n    data, addr = \
             sock.recvfrom(1024)\nsocket.timeout: timed out",
            TIMEOUT,
        ),
    ]);
}

#[test]
fn a_message_of_java_go_node_c_rust_and_powershell_finds_its_question_first() {
    first_answers(&[
        ("java.net.SocketTimeoutException: Receive timed out", TIMEOUT),
        ("java.net.PortUnreachableException: ICMP Port Unreachable", REFUSED),
        (
            "Exception in thread \"main\" java.net.BindException: Address already in use (Bind failed)\n\tat \
             java.base/sun.nio.ch.Net.bind0(Native Method)\n\tat Server.main(Server.java:12)",
            IN_USE,
        ),
        ("java.net.SocketException: Network is unreachable (sendto failed)", NO_ROUTE),
        ("java.io.IOException: Message too long", TOO_LONG),
        ("java.net.SocketException: Socket closed", CLOSED),
        ("listen udp 192.168.1.7:8888: bind: cannot assign requested address", NOT_HERE),
        ("Error: recvmsg ECONNREFUSED", REFUSED),
        ("WSAGetLastError 10054", RESET),
        ("read udp 127.0.0.1:5000: i/o timeout", TIMEOUT),
        ("read udp 127.0.0.1:41234->127.0.0.1:9999: read: connection refused", REFUSED),
        ("listen udp :8888: bind: address already in use", IN_USE),
        ("read udp [::]:8888: use of closed network connection", CLOSED),
        ("Error: bind EADDRINUSE 0.0.0.0:8888\n    errno: -98,", IN_USE),
        ("Error: send EMSGSIZE 127.0.0.1:8888", TOO_LONG),
        ("Error [ERR_SOCKET_ALREADY_BOUND]: Socket is already bound", "bind fails with \"Invalid argument\". Why?"),
        ("recvfrom: Resource temporarily unavailable", NOTHING_QUEUED),
        ("recvfrom: Bad file descriptor", CLOSED),
        ("bind: Permission denied", "bind to port 53 or 80 fails with \"Permission denied\". Why?"),
        ("sendto: Operation not permitted", NOT_PERMITTED),
        ("thread 'main' panicked at src/main.rs:7: connection refused (os error 111)", REFUSED),
        ("Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", IN_USE),
        (
            "called `Result::unwrap()` on an `Err` value: Os { code: 11, kind: WouldBlock, message: \"Resource \
             temporarily unavailable\" }",
            NOTHING_QUEUED,
        ),
        (
            "Exception calling \"Receive\" with \"1\" argument(s): \"An existing connection was forcibly closed by the \
             remote host\"\nAt line:1 char:1\n+ $u.Receive([ref]$e)\n    + CategoryInfo : NotSpecified: (:) []",
            RESET,
        ),
        (
            "System.Net.Sockets.SocketException (10048): Only one usage of each socket address (protocol/network \
             address/port) is normally permitted.",
            IN_USE,
        ),
        ("System.Net.Sockets.SocketException (10060): A connection attempt failed", TIMEOUT),
    ]);
}

#[test]
fn a_question_as_somebody_types_it_finds_its_answer_first() {
    let own = "My server works on this machine, but another machine gets \"connection refused\". Why?";
    let two_machines = "Two machines do not hear each other. Why?";
    let container = "My server runs in Docker or WSL, and nothing arrives. Why?";
    first_answers(&[
        ("two machines do not hear", two_machines),
        ("docker udp port not working", container),
        ("wsl2 udp not arriving", container),
        ("firewall windows udp not recieve", "How do I open a UDP port in the firewall?"),
        ("udp behind NAT client not get answer", "Does UDP work through NAT, a router, a VPN or guest Wi-Fi?"),
        (
            "wireshark shows packet but my program dont recieve",
            "Wireshark shows the packet, but my program does not receive it. Why?",
        ),
        ("my server is not reachable from another computer", own),
        ("what is a datagram", "What is \"datagram\"?"),
        ("what is ephemeral port", "What is \"ephemeral port\"?"),
        ("what is mtu", "What is \"MTU, fragment\"?"),
        ("meaning of loopback", "What is \"loopback\"?"),
        ("recv vs recvfrom", "send or sendto: which one is for UDP?"),
        (
            "SO_REUSEADDR or SO_REUSEPORT whats diffrence",
            "Can one program use SO_REUSEADDR and the other one SO_REUSEPORT?",
        ),
        ("is udp faster than tcp", "Is UDP faster than TCP?"),
        ("diffrence tcp udp", "What is the difference between TCP and UDP?"),
        ("does udp have checksum can data be corrupt", "Does UDP have a checksum? Can the data arrive corrupted?"),
        ("max size udp packet", "How large may a UDP datagram be?"),
        ("udp client need bind?", "Must a client call bind?"),
        ("what port use client", "Must a client call bind?"),
        ("how many packets i can send befor lost", "How many packets fit into the receive buffer?"),
        ("IPV6_V6ONLY", "Can one socket receive IPv4 and IPv6?"),
        ("ipv6 and ipv4 same socket", "Can one socket receive IPv4 and IPv6?"),
        ("thread multiple clients udp server slow", "Why do clients wait when my UDP server is busy?"),
        ("do i need connect for udp client", "What does connect do on a UDP socket? Is there a handshake?"),
        ("difference between bind and connect", "What is the difference between bind and connect?"),
        ("two clients same time server", "Does my single loop serve several clients at the same time?"),
        ("packets are in wrong oder", "Can UDP packets arrive out of order on localhost?"),
        ("timeout not working", TIMEOUT),
        (
            "which packets get droped when buffer full",
            "Which packets are lost when the buffer is full, the old ones or the new ones?",
        ),
        ("why my client get different port each time", "Does the port of my client change with each packet?"),
        ("is sendto blocking", "Why does sendto succeed when no server is running?"),
        ("is order garanteed in udp", "Can UDP packets arrive out of order on localhost?"),
        ("server restart port in use", "Can I start my server again at once, or must I wait for its port?"),
        ("how do i know packet arrived", "How do I make UDP reliable?"),
        ("why did i get only half the mesage", "recv returned only the beginning of my message. Where is the rest?"),
        ("recv bufer size", "How large must the buffer for recvfrom be?"),
        ("how to get senders adress", "How can one UDP socket serve several clients?"),
        ("socket already closed by other thread", CLOSED),
    ]);
}

#[test]
fn where_nothing_fits_that_is_said_before_the_nearest_answers() {
    let index = index();
    for words in [
        "how recieve multicast udp python",
        "gaierror: [Errno -2] Name or service not known",
        "encrypt udp",
        "kubernetes udp client server",
    ] {
        let found = index.search(words);
        assert!(found.is_nearest && found.answers.len() <= READ, "{words}: {} answers", found.answers.len());
    }
    let shown = run(["find", "bind two sockets zebra"]).out;
    assert!(shown.starts_with("zebra: no lesson is about it. The nearest answers:\n\n1. "), "{shown}");
    let known = run(["find", "interrupted umlauts backoff multihomed"]).out;
    assert!(known.starts_with("No question here "), "{known}");
}

#[test]
fn a_word_with_one_letter_wrong_is_read_as_the_one_that_was_meant() {
    for (typed, meant) in [
        ("recieve", "receive"),
        ("adress", "address"),
        ("diffrence", "difference"),
        ("conection", "connection"),
        ("SO_REUSEADR", "so_reuseaddr"),
        ("bidn", "bind"),
    ] {
        let index = index();
        let found = index.search(typed);
        assert_eq!(found.misspelt, [(typed.to_lowercase(), meant.to_owned())], "{typed}");
        assert!(found.unknown.is_empty() && !found.answers.is_empty(), "{typed}");
    }
    let shown = run(["find", "bind", "adress"]).out;
    assert!(shown.starts_with("\"adress\" is read as \"address\".\n\n1. "), "{shown}");
    assert!(index().search("befor").unknown.is_empty(), "a word that tells nothing is known with a letter wrong, too");
}

#[test]
fn what_nobody_asked_is_found_among_the_rows_of_lessons() {
    let found = document("clients out of turn");
    let answer = &found["answers"][0];
    assert_eq!((&answer["lesson"], &answer["id"]), (&"concurrency".into(), &"out-of-turn".into()), "{found}");
    assert_eq!((&answer["command"], &answer["sentence"]), (&"udp-lab concurrency --scene work".into(), &Value::Null));
}

#[test]
fn errors_are_named_as_each_system_names_them() {
    for words in [&["10061"][..], &["111"], &["ECONNREFUSED"], &["find it: errno", "61"]] {
        let shown = run(["find"].iter().chain(words)).out;
        let named =
            "Connection refused: Linux ECONNREFUSED 111, macOS ECONNREFUSED 61, Windows\n   WSAECONNREFUSED 10061.\n";
        assert!(shown.starts_with(named), "{words:?}: {shown}");
    }
}

#[test]
fn nothing_found_is_said_with_what_to_try_and_has_status_1() {
    for words in [&["kubernetes", "zebra"][..], &["the"], &["ENFILE"]] {
        let nothing = run(["find"].iter().chain(words));
        assert_eq!((nothing.status, nothing.err.as_str()), (1, ""), "{}", nothing.out);
        assert!(
            nothing.out.contains(" other words") && nothing.out.contains("All lessons: udp-lab list"),
            "{}",
            nothing.out
        );
    }
    assert!(run(["find", "kubernetes", "zebra"]).out.starts_with("Not found anywhere: kubernetes, zebra. "));
    let json = run(["find", "zebra", "--format", "json"]);
    let json: (i32, Value) = (json.status, serde_json::from_str(&json.out).unwrap());
    assert_eq!((json.0, &json.1["answers"], &json.1["unknown"][0]), (1, &Value::Array(Vec::new()), &"zebra".into()));
    let own = run(["find", "bind: Address already in use", "zebra"]).out;
    assert!(own.ends_with("\nNot found anywhere: zebra.\n"), "{own}");
}

#[test]
fn no_words_and_other_formats_are_wrong_use() {
    for args in [&["find"][..], &["find", "bind", "--format", "csv"]] {
        let refused = run(args);
        assert_eq!((refused.status, refused.out.as_str()), (2, ""), "{args:?}");
    }
    assert_eq!(run(["find", "errno:", "-98"]).status, 0, "a number below 0 is no option");
}

#[test]
fn at_most_five_answers_fit_the_narrowest_screen() {
    for words in ["socket", "packet lost", "bind port", "10054", "server client"] {
        let shown = run(["find", words, "--width", "60"]).out;
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        let answers = shown.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
        assert!((1..=5).contains(&answers), "{shown}");
        let commands = shown.lines().filter(|line| line.starts_with("   udp-lab ")).count();
        assert_eq!(answers, commands, "{shown}");
    }
}

#[test]
fn nothing_that_is_searched_for_acts_on_the_terminal() {
    let shown = run(["find", "zebra\u{1b}[31m", "bind"]).out;
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_row_that_this_machine_cannot_show_says_so() {
    let shown =
        Run::from(in_world("bare").args(["find", "server on 0.0.0.0 reply not accepted"]).output().unwrap()).out;
    assert!(
        shown.contains("\n   Not on this machine: this machine has no second loopback address 127.0.0.2\n"),
        "{shown}"
    );
}

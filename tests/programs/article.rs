//! The article's own programs, in Python.

use super::*;

/// A program of the article's or of the textbook's, which numbers are given to; nothing where there is no Python.
pub fn python(program: &str, numbers: &[u32]) -> Option<Command> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        // Straight to the terminal: the test harness hides what a passing test prints.
        let _ = writeln!(io::stderr(), "NOT RUN: {program}: there is no python3 here");
        return None;
    }
    let mut command = Command::new("python3");
    command
        .arg(format!("{}/tests/python/{program}", env!("CARGO_MANIFEST_DIR")))
        .args(numbers.iter().map(u32::to_string));
    command.env("PYTHONUTF8", "1");
    Some(command)
}

#[test]
fn the_articles_client_is_answered_by_the_server() {
    let server = Server::start(&["--count", "2"]);
    let Some(mut command) = python("udp_client.py", &[server.address.port().into()]) else { return };
    let mut asking = Program::start(&mut command);
    for line in ["hello", "你好", ""] {
        asking.type_line(line);
    }
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert_eq!(ending.output.replace('\r', ""), "Msg:From server: Thanks\nMsg:From server: Thanks\nMsg:");
    let served = server.ending();
    assert!(served.output.contains(r#"  6 bytes  "你好""#), "{}", served.output);
    assert_eq!(served.totals(["datagrams", "peers", "answered"]), ["2", "1", "2"]);
}

#[test]
fn the_articles_server_answers_the_client() {
    let Some(mut command) = python("udp_server.py", &[0]) else { return };
    let server = Program::start(&mut command);
    let address = format!("127.0.0.1:{}", server.line());
    let ending = Program::start(&mut client(&address, &["hello", "你好"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert_eq!(ending.output.matches(r#"From server: "Thanks"  "#).count(), 2);
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["2", "2", "0"]);
    assert_eq!([server.line(), server.line()], ["收到的消息: hello", "收到的消息: 你好"]);
}

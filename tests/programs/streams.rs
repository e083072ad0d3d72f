//! The streams of a program as they come: shut, full, without blocking, of a kind that cannot be read.

use super::*;

#[test]
fn a_closed_pipe_is_success() {
    let server = Server::start(&[]);
    for mut command in [udp_lab(&["server", LOOPBACK]), client(&server.address.to_string(), &["hello"])] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ending = Program::start_with_output(command.stdout(writer)).ending();
        assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    let server = Server::start(&[]);
    for mut command in [udp_lab(&["server", LOOPBACK]), client(&server.address.to_string(), &["hello"])] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ending = Program::start_with_output(command.stdout(full)).ending();
        assert_eq!(ending.status, Some(3));
        assert!(ending.errors.starts_with("udp-lab: cannot write the output: "), "{}", ending.errors);
        assert_eq!(ending.errors.lines().count(), 1, "{}", ending.errors);
    }
}

#[test]
fn input_is_read_to_its_end_and_an_empty_line_is_an_empty_datagram() {
    let server = Server::start(&["--count", "3"]);
    let mut asking = Program::start(&mut client(&server.address.to_string(), &[]));
    write!(asking.input.as_mut().unwrap(), "a\n\nb\n").unwrap();
    assert_eq!(asking.ending().totals(["sent", "answered"]), ["3", "3"]);
    assert_eq!(server.ending().totals(["datagrams", "bytes"]), ["3", "2"]);
}

/// A pipe that its reader does not wait for, as node and others leave it.
#[cfg(unix)]
fn without_blocking(end: &impl std::os::fd::AsFd) {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let flags = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
    fcntl(end, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).unwrap();
}

#[cfg(unix)]
#[test]
fn input_that_does_not_wait_is_waited_for() {
    let server = Server::start(&["--count", "2"]);
    let (reader, mut writer) = io::pipe().unwrap();
    without_blocking(&reader);
    let mut command = client(&server.address.to_string(), &[]);
    let mut child = command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = lines(child.stdout.take().unwrap());
    for message in ["one", "two"] {
        // The second line is written when the first is answered: the client looks for it before it is there.
        writeln!(writer, "{message}").unwrap();
        assert_eq!(output.recv_timeout(LIMIT).unwrap().trim_end(), format!("Msg: {message:?}"));
        assert!(output.recv_timeout(LIMIT).unwrap().starts_with("From server: "));
    }
    drop(writer);
    assert!(rest(&output).contains("│ sent"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(server.ending().totals(["datagrams"]), ["2"]);
}

#[cfg(unix)]
#[test]
fn input_that_cannot_be_read_is_a_sentence() {
    let server = Server::start(&[]);
    let address = server.address.to_string();
    let unread = |mut command: Command, input: std::fs::File, sentence: &str| {
        let output = command.stdin(input).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.lines().count()), (Some(3), 1), "{command:?}: {errors}");
        assert!(errors.starts_with(sentence), "{command:?}: {errors}");
    };
    let a_folder = std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    unread(client(&address, &[]), a_folder, "udp-lab: cannot read the input: Is a directory");
    // As `0>FILE` has it.
    let for_writing = || std::fs::File::options().write(true).open("/dev/null").unwrap();
    unread(client(&address, &[]), for_writing(), "udp-lab: cannot read the input: Bad file descriptor");
    unread(
        udp_lab(&["boundaries", "--step"]),
        for_writing(),
        "udp-lab: --step: cannot read the input: Bad file descriptor",
    );
}

/// More than the pipe takes, to a reader that begins when it is full.
#[cfg(unix)]
#[test]
fn output_that_is_full_for_a_moment_is_waited_for_and_not_cut() {
    for arguments in [&["expect", "delivery", "--format", "json"][..], &["man"], &["completions", "bash"]] {
        let whole = udp_lab(arguments).output().unwrap().stdout;
        let (mut reader, writer) = io::pipe().unwrap();
        without_blocking(&writer);
        // What is left of the room is less than any of these texts.
        let mut filling = writer.try_clone().unwrap();
        let mut filled = 0;
        while let Ok(written) = filling.write(&[b'.'; 4096]) {
            filled += written;
        }
        drop(filling);
        let mut child = udp_lab(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = vec![0; filled];
        reader.read_exact(&mut text).unwrap();
        text.clear();
        reader.read_to_end(&mut text).unwrap();
        let errors = lines(child.stderr.take().unwrap());
        assert_eq!((child.wait().unwrap().code(), rest(&errors).as_str()), (Some(0), ""), "{arguments:?}");
        assert!(text == whole, "{arguments:?}: {} of {} bytes", text.len(), whole.len());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_output_is_full_for_a_moment_loses_no_line() {
    let (reader, writer) = io::pipe().unwrap();
    without_blocking(&writer);
    let watched = writer.try_clone().unwrap();
    let mut command = udp_lab(&["server", LOOPBACK, "--count", "3000"]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    // It has its end of the pipe for as long as it lives.
    drop(command);
    let mut reader = BufReader::new(reader);
    let address = greeted(&mut reader);
    // 3000 lines of a hundred bytes do not fit the pipe, which nobody reads while the server is asked.
    let asking = thread::spawn(move || {
        let here = peer();
        for _ in 0..3000 {
            here.send_to(&[b'a'; 70], address).unwrap();
            assert_eq!(receive(&here).0, b"Thanks");
        }
    });
    let mut output = String::new();
    // Here the server waits in a write.
    while child.try_wait().unwrap().is_none() && !asking.is_finished() && has_room(&watched) {
        thread::yield_now();
    }
    drop(watched);
    reader.read_to_string(&mut output).unwrap();
    asking.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let ending = Ending { status: Some(0), output, errors: String::new() };
    assert_eq!(ending.total("datagrams"), "3000");
    assert!((1..=3000).all(|number| ending.output.contains(&format!("\n{number}  127."))), "a line is missing");
}

#[cfg(target_os = "linux")]
fn has_room(writer: &impl std::os::fd::AsFd) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    poll(&mut [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO).unwrap() > 0
}

/// `sh` shuts it, or opens it for reading only.
#[cfg(unix)]
#[test]
fn a_program_without_an_output_says_so() {
    let server = Server::start(&[]);
    let ask = format!("client {}", server.address);
    for arguments in ["boundaries", "list", "--help", "--version", "server 127.0.0.1:0", &ask] {
        for output in [">&-", "1</dev/null"] {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec \"$0\" {arguments} {output}"), env!("CARGO_BIN_EXE_udp-lab")]);
            let ending = Program::start(&mut command).ending();
            let errors = ending.errors;
            assert_eq!((ending.status, errors.lines().count()), (Some(3), 1), "{arguments} {output}: {errors}");
            assert!(errors.starts_with("udp-lab: cannot write the output: "), "{arguments} {output}: {errors}");
        }
    }
}

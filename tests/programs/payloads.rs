//! What the client sends that is no word: bytes and files.

use super::*;

#[test]
fn bytes_and_files_are_sent_as_they_are() {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let file = folder("payloads").join("every byte");
    std::fs::write(&file, &every_byte).unwrap();
    let empty = folder("payloads-empty").join("empty");
    std::fs::write(&empty, "").unwrap();
    let there = peer();
    for (arguments, payload) in [
        (["--hex", "00 ff:0A"], &b"\x00\xff\x0a"[..]),
        (["--hex", ""], b""),
        (["--file", file.to_str().unwrap()], &every_byte),
        (["--file", empty.to_str().unwrap()], b""),
    ] {
        let asking = Program::start(&mut client(&address_of(&there), &arguments));
        let (received, from) = receive(&there);
        assert_eq!(received, payload, "{arguments:?}");
        there.send_to(b"yes", from).unwrap();
        assert!(asking.line().starts_with("Msg: \""));
        assert_eq!(asking.ending().totals(["sent", "answered"]), ["1", "1"]);
    }
}

#[test]
fn bytes_are_asked_for_again_and_again() {
    let there = peer();
    let asking =
        Program::start(&mut client(&address_of(&there), &["--hex", "00ff", "--count", "2", "--interval", "1ms"]));
    for _ in 0..2 {
        let (received, from) = receive(&there);
        assert_eq!(received, b"\0\xff");
        there.send_to(b"yes", from).unwrap();
    }
    assert_eq!(asking.ending().totals(["sent", "received"]), ["2", "2"]);
}

/// Of a file without an end no more is read than a datagram has.
#[test]
fn what_no_datagram_carries_is_refused_before_anything_is_sent() {
    let file = folder("payloads-long").join("long");
    let file = file.to_str().unwrap();
    let there = peer();
    let address = address_of(&there);
    let sentence = "a datagram over IPv4 carries at most 65507 bytes";
    std::fs::write(file, vec![b'x'; 65_508]).unwrap();
    for more in [&[][..], &["--count", "3"]] {
        let arguments = [&["--file", file], more].concat();
        Program::start(&mut client(&address, &arguments)).ending().is_refused_with(2, &format!("--file: {sentence}"));
    }
    let hex = "78".repeat(65_508);
    if cfg!(not(windows)) {
        Program::start(&mut client(&address, &["--hex", &hex]))
            .ending()
            .is_refused_with(2, &format!("--hex: {sentence}"));
    }
    if cfg!(target_os = "linux") {
        Program::start(&mut client(&address, &["--file", "/dev/zero"])).ending().is_refused_with(2, sentence);
    }
    assert!(nothing_more_for(&there));
}

#[test]
fn the_longest_file_goes_in_one_datagram() {
    let file = folder("payloads-longest").join("longest");
    std::fs::write(&file, vec![b'x'; 65_507]).unwrap();
    let there = peer();
    let asking = Program::start(&mut client(&address_of(&there), &["--file", file.to_str().unwrap()]));
    let (received, from) = receive(&there);
    assert_eq!(received, vec![b'x'; 65_507]);
    there.send_to(b"yes", from).unwrap();
    assert_eq!(asking.ending().total("answered"), "1");
}

#[test]
fn what_is_no_payload_is_said_to_be_none() {
    for (arguments, status, sentence) in [
        (&["--hex", "abc"][..], 2, "3 digits: two hexadecimal digits for each byte are needed"),
        (&["--hex", "0x41"], 2, "such as 00ff"),
        (&["--hex", "00", "hello"], 2, "cannot be used with"),
        (&["--hex", "00", "--file", "x"], 2, "cannot be used with"),
        (&["--file", "no such file"], 3, "udp-lab: cannot read no such file: "),
    ] {
        Program::start(&mut client("127.0.0.1:9", arguments)).ending().is_refused_with(status, sentence);
    }
}

//! Why systems answer otherwise than expected: whose freedom it is, or whose defect.

/// Why rows of one system differ from the expectation, or cannot be shown there.
pub struct Note {
    /// The name of the system's record.
    pub system: &'static str,
    /// The rows, each `lesson/id`.
    pub rows: &'static [&'static str],
    /// Why, and whose freedom or defect it is.
    pub why: &'static str,
    /// Where that can be read.
    pub source: &'static str,
}

/// The note on the row `id` of `lesson` on the system whose record has this name.
pub fn note_on(system: &str, lesson: &str, id: &str) -> Option<&'static Note> {
    let is_asked_for = |row: &&str| row.split_once('/') == Some((lesson, id));
    NOTES.iter().find(|note| note.system == system && note.rows.iter().any(is_asked_for))
}

/// All of them. The tests demand one for each row that differs, and none for a row that does not.
pub static NOTES: &[Note] = &[
    Note {
        system: "gvisor",
        rows: &["delivery/fewer-than-bytes"],
        why: "gVisor's freedom: no standard says what a datagram takes of the receive buffer. gVisor counts the payload only, \
              Linux its own bookkeeping as well",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, HandlePacket(): rcvBufSize += pkt.Data().Size(); Linux socket(7)",
    },
    Note {
        system: "gvisor",
        rows: &["delivery/after-one-read"],
        why: "gVisor's freedom: no standard says when a read makes room again. gVisor gives the room back with each read, Linux \
              a quarter of the buffer at a time",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, Read(); Linux net/ipv4/udp.c, udp_rmem_release()",
    },
    Note {
        system: "gvisor",
        rows: &[
            "connectionless/not-kept",
            "connectionless/before-restart",
            "connectionless/after-restart",
            "connectionless/client-notices",
            "compare/udp-answers-from",
            "compare/udp-unconnected-hears",
            "compare/udp-connected-hears",
        ],
        why: "gVisor's freedom, and a limit of this program: the lab lets a port be shared only for the moment in which it needs \
              that, after the port was bound. Linux allows it then; gVisor goes by what was set before the bind",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, registerWithStack(), boundPortFlags; POSIX does not say when \
                 SO_REUSEADDR must be set",
    },
];

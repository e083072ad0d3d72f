//! Which rows of which lesson notice which fault. A lesson that is not named with a fault does not notice it.

use super::faults::Fault;

/// What becomes of a lesson in a broken world.
pub enum Outcome {
    /// These rows say `differs`, in this order, and no other does; the status is 1.
    Rows(&'static [&'static str]),
    /// The lesson cannot go on, and says so in these words; the status is 3.
    Stops(&'static str),
}

use Outcome::{Rows, Stops};

/// Each fault once, in the order of [`Fault::ALL`], with the lessons that notice it.
pub const WORLDS: &[(Fault, &[(&str, Outcome)])] = &[
    (
        Fault::Merge,
        &[
            (
                "boundaries",
                Rows(&[
                    "receives-needed",
                    "receive-1",
                    "receive-2",
                    "receive-3",
                    "mixed-receives",
                    "wait-for-all",
                    "after-wait-for-all",
                ]),
            ),
            ("truncation", Rows(&["receive-2", "ten-into-eleven", "eleven-into-eleven"])),
            (
                "delivery",
                Rows(&["prefix", "kept-and-dropped", "room-again", "after-all-read", "both-arrived", "distinct"]),
            ),
            ("connectionless", Rows(&["empty-is-not-end", "after-empty"])),
            ("compare", Rows(&["udp-three", "udp-joined", "udp-missing", "udp-empty", "udp-after-empty"])),
        ],
    ),
    (
        Fault::KeepRest,
        &[
            (
                "truncation",
                Rows(&["receive-2", "one-more-receive", "ten-into-eleven", "eleven-into-eleven", "after-nothing"]),
            ),
            ("compare", Rows(&["udp-rest"])),
        ],
    ),
    (
        Fault::TooSmall,
        &[(
            "truncation",
            Rows(&["receive-1", "receive-2", "flag", "length-ahead", "length", "eleven-into-ten", "into-nothing"]),
        )],
    ),
    (
        Fault::Lose,
        &[
            ("boundaries", Rows(&["receives-needed", "receive-3"])),
            ("truncation", Rows(&["ten-into-eleven", "eleven-into-eleven"])),
            ("delivery", Rows(&["prefix", "kept-and-dropped", "interleaved", "both-arrived", "distinct"])),
            ("connectionless", Rows(&["answered"])),
            (
                "concurrency",
                Rows(&[
                    "answered",
                    "waiting",
                    "out-of-turn",
                    "answered-with-work",
                    "requests-of-threads",
                    "answered-by-threads",
                ]),
            ),
            ("compare", Rows(&["udp-three", "udp-missing"])),
        ],
    ),
    (
        Fault::Twice,
        &[
            (
                "boundaries",
                Rows(&[
                    "receives-needed",
                    "receive-2",
                    "receive-3",
                    "one-more-receive",
                    "after-both",
                    "after-wait-for-all",
                ]),
            ),
            ("truncation", Rows(&["receive-2", "one-more-receive", "ten-into-eleven", "after-nothing"])),
            ("delivery", Rows(&["prefix", "kept-and-dropped", "interleaved", "both-arrived", "duplicates"])),
            ("connectionless", Rows(&["answered", "peer-closes", "after-empty"])),
            ("concurrency", Rows(&["waiting", "out-of-turn", "requests-of-threads", "handled-again"])),
            ("compare", Rows(&["udp-rest", "udp-three", "udp-missing", "udp-close", "udp-after-empty"])),
        ],
    ),
    (
        Fault::Swap,
        &[
            ("boundaries", Rows(&["receive-1", "receive-2", "wait-for-all", "after-wait-for-all"])),
            ("truncation", Rows(&["receive-1", "buffer-1", "receive-2", "ten-into-eleven", "eleven-into-eleven"])),
            ("delivery", Rows(&["prefix", "room-again", "after-all-read", "out-of-order"])),
            ("connectionless", Rows(&["empty-is-not-end", "after-empty"])),
            ("compare", Rows(&["udp-empty", "udp-after-empty"])),
        ],
    ),
    (
        Fault::Change,
        &[
            (
                "boundaries",
                Rows(&[
                    "receive-1",
                    "receive-2",
                    "receive-3",
                    "mixed-receives",
                    "gathered",
                    "scattered-1",
                    "peek",
                    "after-peek",
                    "wait-for-all",
                    "after-wait-for-all",
                ]),
            ),
            ("truncation", Rows(&["after-read"])),
            ("delivery", Rows(&["prefix", "room-again", "after-all-read", "interleaved", "distinct"])),
            ("connectionless", Rows(&["answered", "after-close", "before-restart", "after-restart", "after-empty"])),
            ("concurrency", Rows(&["answered", "answered-with-work", "answered-by-threads"])),
            (
                "compare",
                Rows(&["udp-peek", "udp-joined", "udp-send", "udp-recv", "udp-after-empty", "udp-unconnected-hears"]),
            ),
        ],
    ),
    (
        Fault::Clip,
        &[
            (
                "boundaries",
                Rows(&[
                    "receive-1",
                    "receive-2",
                    "receive-3",
                    "mixed-receives",
                    "gathered",
                    "scattered-2",
                    "peek",
                    "after-peek",
                    "wait-for-all",
                    "after-wait-for-all",
                ]),
            ),
            (
                "truncation",
                Rows(&[
                    "length-ahead",
                    "length",
                    "ten-into-ten",
                    "ten-into-eleven",
                    "eleven-into-eleven",
                    "after-read",
                ]),
            ),
            ("delivery", Rows(&["prefix", "room-again", "after-all-read", "interleaved"])),
            ("connectionless", Rows(&["answered", "after-close", "before-restart", "after-restart", "after-empty"])),
            ("concurrency", Rows(&["answered", "answered-with-work", "answered-by-threads"])),
            (
                "compare",
                Rows(&[
                    "udp-peek",
                    "udp-joined",
                    "udp-in-part",
                    "udp-send",
                    "udp-recv",
                    "udp-after-empty",
                    "udp-unconnected-hears",
                ]),
            ),
        ],
    ),
    (
        Fault::Blend,
        &[
            ("boundaries", Rows(&["receive-2", "receive-3", "mixed-receives", "after-wait-for-all"])),
            ("delivery", Rows(&["prefix", "room-again", "after-all-read", "interleaved", "torn"])),
            ("connectionless", Rows(&["answered", "after-empty"])),
            ("concurrency", Rows(&["answered", "answered-with-work", "answered-by-threads"])),
            ("compare", Rows(&["udp-joined", "udp-after-empty"])),
        ],
    ),
    (
        Fault::WrongSender,
        &[
            (
                "boundaries",
                Rows(&[
                    "receives-needed",
                    "receive-1",
                    "receive-2",
                    "receive-3",
                    "senders",
                    "gathered",
                    "scattered-1",
                    "scattered-2",
                    "peek",
                    "after-peek",
                    "wait-for-all",
                    "after-wait-for-all",
                ]),
            ),
            (
                "truncation",
                Rows(&[
                    "receive-1",
                    "buffer-1",
                    "receive-2",
                    "flag",
                    "flag-exact",
                    "length-ahead",
                    "length",
                    "ten-into-ten",
                    "eleven-into-ten",
                    "ten-into-eleven",
                    "eleven-into-eleven",
                    "into-nothing",
                    "after-read",
                ]),
            ),
            ("delivery", Rows(&["interleaved", "both-arrived", "distinct"])),
            (
                "connectionless",
                Rows(&["port-stays", "answered", "after-close", "before-restart", "after-restart", "after-empty"]),
            ),
            (
                "concurrency",
                Rows(&[
                    "answered",
                    "in-hand",
                    "waiting",
                    "in-hand-with-work",
                    "answered-with-work",
                    "in-hand-of-threads",
                    "requests-of-threads",
                    "answered-by-threads",
                ]),
            ),
            (
                "compare",
                Rows(&[
                    "udp-peek",
                    "udp-three",
                    "udp-send",
                    "udp-recv",
                    "udp-after-empty",
                    "udp-answers-from",
                    "udp-unconnected-hears",
                ]),
            ),
        ],
    ),
    (
        Fault::SwallowEmpty,
        &[
            ("boundaries", Rows(&["empty-receive", "empty-sender"])),
            ("connectionless", Rows(&["empty-is-not-end", "after-empty"])),
            ("compare", Rows(&["udp-empty", "udp-after-empty"])),
        ],
    ),
    (
        Fault::PeekConsumes,
        &[
            ("boundaries", Rows(&["after-peek"])),
            ("truncation", Rows(&["length"])),
            ("compare", Rows(&["udp-peek", "udp-send", "udp-recv"])),
        ],
    ),
    (
        Fault::NeverConsumes,
        &[
            (
                "boundaries",
                Rows(&[
                    "receives-needed",
                    "receive-2",
                    "receive-3",
                    "one-more-receive",
                    "after-both",
                    "after-wait-for-all",
                ]),
            ),
            ("truncation", Rows(&["receive-2", "one-more-receive", "eleven-into-eleven", "after-nothing"])),
            (
                "delivery",
                Rows(&[
                    "prefix",
                    "kept-and-dropped",
                    "room-again",
                    "larger-keeps-more",
                    "fewer-than-bytes",
                    "after-all-read",
                    "interleaved",
                    "both-arrived",
                    "distinct",
                    "duplicates",
                ]),
            ),
            ("connectionless", Rows(&["answered", "peer-closes", "empty-is-not-end", "after-empty"])),
            (
                "concurrency",
                Rows(&[
                    "answered",
                    "waiting",
                    "out-of-turn",
                    "answered-with-work",
                    "requests-of-threads",
                    "handled-again",
                    "answered-by-threads",
                ]),
            ),
            ("compare", Rows(&["udp-rest", "udp-three", "udp-missing", "udp-close", "udp-empty", "udp-after-empty"])),
        ],
    ),
    (Fault::ReadConsumes, &[("truncation", Rows(&["after-read"]))]),
    (Fault::NoFlag, &[("truncation", Rows(&["flag"]))]),
    (Fault::FlagAlways, &[("truncation", Rows(&["flag-exact"]))]),
    (Fault::NoRealLength, &[("truncation", Rows(&["length-ahead", "length"]))]),
    (Fault::FirstBuffer, &[("boundaries", Rows(&["gathered-send", "gathered", "scattered-2"]))]),
    (Fault::FirstThread, &[("concurrency", Rows(&["in-hand-of-threads"]))]),
    (Fault::DescriptorEach, &[("connectionless", Rows(&["descriptors"])), ("compare", Rows(&["udp-descriptors"]))]),
    (
        Fault::NeverReturns,
        &[
            ("boundaries", Stops("a call has not returned for 5 s")),
            ("truncation", Stops("a call has not returned for 5 s")),
            ("delivery", Stops("a call has not returned for 5 s")),
            ("connectionless", Stops("a call has not returned for 5 s")),
            ("concurrency", Stops("a call has not returned for 5 s")),
            ("compare", Stops("a call has not returned for 5 s")),
        ],
    ),
    (Fault::Interrupted, &[]),
    (
        Fault::ShortSend,
        &[
            ("boundaries", Rows(&["sends-whole", "gathered-send"])),
            ("delivery", Rows(&["failed-sends"])),
            ("connectionless", Rows(&["send-to-nobody", "connected-send", "too-early"])),
            ("compare", Rows(&["udp-held", "udp-first"])),
        ],
    ),
    (
        Fault::HeaderCounted,
        &[
            ("boundaries", Rows(&["sends-whole", "gathered-send", "empty-send"])),
            ("delivery", Rows(&["failed-sends"])),
            ("connectionless", Rows(&["send-to-nobody", "connected-send", "too-early"])),
            ("compare", Rows(&["udp-held", "udp-first"])),
        ],
    ),
    (
        Fault::EmptyFails,
        &[
            ("boundaries", Stops("send_to from client to server: invalid argument (EINVAL 22)")),
            ("connectionless", Stops("send_to from client to server: invalid argument (EINVAL 22)")),
            ("compare", Stops("send_to from client to server: invalid argument (EINVAL 22)")),
        ],
    ),
    (Fault::NoPeerNeeded, &[("compare", Rows(&["tcp-no-peer", "udp-no-peer"]))]),
    (
        Fault::NoPort,
        &[
            (
                "boundaries",
                Rows(&[
                    "receives-needed",
                    "receive-1",
                    "receive-2",
                    "receive-3",
                    "senders",
                    "gathered",
                    "scattered-1",
                    "scattered-2",
                    "empty-receive",
                    "empty-sender",
                    "peek",
                    "after-peek",
                    "wait-for-all",
                    "after-wait-for-all",
                ]),
            ),
            (
                "truncation",
                Rows(&[
                    "receive-1",
                    "buffer-1",
                    "receive-2",
                    "flag",
                    "flag-exact",
                    "length-ahead",
                    "length",
                    "ten-into-ten",
                    "eleven-into-ten",
                    "ten-into-eleven",
                    "eleven-into-eleven",
                    "into-nothing",
                    "after-read",
                ]),
            ),
            (
                "connectionless",
                Rows(&["port-after", "port-stays", "answered", "after-close", "empty-is-not-end", "after-empty"]),
            ),
            (
                "concurrency",
                Rows(&[
                    "answered",
                    "in-hand",
                    "waiting",
                    "in-hand-with-work",
                    "answered-with-work",
                    "in-hand-of-threads",
                    "requests-of-threads",
                    "answered-by-threads",
                ]),
            ),
            ("compare", Rows(&["udp-peek", "udp-three", "udp-empty", "udp-after-empty"])),
        ],
    ),
    (Fault::AnswersFromAsked, &[("compare", Rows(&["udp-answers-from", "udp-connected-hears"]))]),
    (Fault::CloseDiscards, &[("connectionless", Rows(&["after-close"]))]),
    (
        Fault::CloseTells,
        &[("connectionless", Rows(&["client-notices", "peer-closes"])), ("compare", Rows(&["udp-close"]))],
    ),
    (Fault::SwallowRefused, &[("connectionless", Rows(&["connected-hears"])), ("compare", Rows(&["udp-next"]))]),
    (
        Fault::RefusedAtOnce,
        &[
            ("connectionless", Rows(&["connected-send", "connected-hears"])),
            ("compare", Rows(&["udp-first", "udp-next"])),
        ],
    ),
    (Fault::TellUnconnected, &[("connectionless", Rows(&["unconnected-hears"]))]),
    (Fault::TellAgain, &[("connectionless", Rows(&["told-once"]))]),
    (Fault::KeepForLater, &[("connectionless", Rows(&["not-kept"]))]),
    (
        Fault::ConnectSends,
        &[
            ("delivery", Rows(&["sender-told"])),
            ("connectionless", Rows(&["connected-send", "connected-hears", "connect-sends"])),
            ("compare", Rows(&["udp-send", "udp-first", "udp-next"])),
        ],
    ),
    (
        Fault::ConnectRefused,
        &[
            ("connectionless", Stops("connection refused (ECONNREFUSED 111)")),
            ("compare", Rows(&["udp-connect", "udp-first", "udp-next"])),
        ],
    ),
    (
        Fault::ConnectTimesOut,
        &[
            ("delivery", Stops("connection timed out (ETIMEDOUT 110)")),
            ("connectionless", Rows(&["connect"])),
            ("compare", Stops("connection timed out (ETIMEDOUT 110)")),
        ],
    ),
    (Fault::Strangers, &[]),
    (Fault::SlowAmongStrangers, &[]),
    (Fault::HearStrangers, &[("compare", Rows(&["udp-connected-hears"]))]),
    (
        Fault::UdpListens,
        &[("connectionless", Rows(&["listen", "accept"])), ("compare", Rows(&["udp-listen", "udp-accept"]))],
    ),
    (Fault::PortAtOnce, &[("connectionless", Rows(&["port-before"]))]),
    (
        Fault::NoRebind,
        &[("connectionless", Stops("permission denied (EACCES 13)")), ("compare", Rows(&["udp-rebind"]))],
    ),
    (Fault::NoLimit, &[("delivery", Rows(&["larger-keeps-more", "fewer-than-bytes", "after-one-read"]))]),
    (
        Fault::FullFails,
        &[
            ("delivery", Stops("send_to from client to server: no buffer space available (error 105)")),
            ("compare", Rows(&["udp-held"])),
        ],
    ),
    (Fault::FullTells, &[("delivery", Rows(&["sender-told"]))]),
    (Fault::FullStaysDeaf, &[("delivery", Rows(&["room-again", "after-all-read"]))]),
    (Fault::DropsUncounted, &[("delivery", Rows(&["kept-and-dropped"])), ("compare", Rows(&["udp-missing"]))]),
    (Fault::BufferAsAsked, &[("delivery", Rows(&["buffer-granted"]))]),
    (Fault::Overlapping, &[("concurrency", Rows(&["early-answers"]))]),
    (Fault::SmallBuffers, &[]),
    (Fault::LargeBuffers, &[]),
    (Fault::Bare, &[]),
    (
        Fault::TcpOneByte,
        &[
            ("boundaries", Rows(&["tcp-one-read", "tcp-next-read"])),
            ("truncation", Rows(&["tcp-second-read"])),
            ("compare", Rows(&["tcp-rest", "tcp-peek", "tcp-three", "tcp-send", "tcp-asked"])),
        ],
    ),
    (
        Fault::TcpNeverConsumes,
        &[
            ("boundaries", Rows(&["tcp-next-read"])),
            ("truncation", Rows(&["tcp-second-read"])),
            ("delivery", Rows(&["tcp-lost"])),
            ("compare", Rows(&["tcp-rest", "tcp-peek", "tcp-missing"])),
        ],
    ),
    (Fault::TcpRestLost, &[("truncation", Rows(&["tcp-second-read"])), ("compare", Rows(&["tcp-rest"]))]),
    (
        Fault::TcpLosesByte,
        &[
            ("boundaries", Rows(&["tcp-one-read"])),
            ("truncation", Rows(&["tcp-first-read", "tcp-second-read"])),
            ("delivery", Rows(&["tcp-lost"])),
            ("compare", Rows(&["tcp-rest", "tcp-peek", "tcp-three", "tcp-missing", "tcp-send", "tcp-asked"])),
        ],
    ),
    (Fault::TcpPeekTakes, &[("compare", Rows(&["tcp-peek"]))]),
    (
        Fault::TcpEndFails,
        &[
            ("boundaries", Rows(&["tcp-next-read"])),
            ("connectionless", Rows(&["tcp-peer-closes"])),
            ("compare", Rows(&["tcp-close"])),
        ],
    ),
    (
        Fault::TcpEndSilent,
        &[
            ("boundaries", Rows(&["tcp-next-read"])),
            ("connectionless", Rows(&["tcp-peer-closes"])),
            ("compare", Rows(&["tcp-close"])),
        ],
    ),
    (
        Fault::TcpNeverFull,
        &[("delivery", Rows(&["tcp-stopped", "tcp-lost"])), ("compare", Rows(&["tcp-held", "tcp-missing"]))],
    ),
    (Fault::TcpConnectsToNobody, &[("connectionless", Rows(&["tcp-to-nobody"])), ("compare", Rows(&["tcp-connect"]))]),
    (Fault::TcpListenFails, &[("compare", Rows(&["tcp-listen"]))]),
    (
        Fault::TcpAcceptFails,
        &[
            ("connectionless", Stops("software caused connection abort (error 103)")),
            ("compare", Rows(&["tcp-accept", "tcp-descriptors"])),
        ],
    ),
    (Fault::TcpAcceptLeaks, &[("connectionless", Rows(&["tcp-descriptors"])), ("compare", Rows(&["tcp-descriptors"]))]),
    (Fault::TcpRebinds, &[("compare", Rows(&["tcp-rebind"]))]),
];

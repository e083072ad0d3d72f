//! Where the claims are written: every document that a lesson cites, once.

use std::fmt;

use serde::{Serialize, Serializer};

/// A place in a standard or a manual, and what it says there.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Document and place.
    pub cite: &'static str,
    /// What it says, in short.
    pub says: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cite)
    }
}

/// A program gets the citation: what the document says is for people.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.cite)
    }
}

/// The documents.
pub mod sources {
    use super::Source;

    macro_rules! sources {
        ($($name:ident = $cite:literal, $says:literal;)*) => {
            $(
                #[doc = concat!($cite, ": ", $says)]
                pub static $name: Source = Source { cite: $cite, says: $says };
            )*
            /// Every document, for the tests.
            pub static ALL: &[&Source] = &[$(&$name),*];
        };
    }

    sources! {
        APPLE_CONNECT_2 = "Apple connect(2)",
            "datagram sockets may connect several times to change their association, and to AF_UNSPEC to dissolve it, which returns EAFNOSUPPORT";
        APPLE_UDP_4 = "Apple udp(4)",
            "EISCONN: a datagram is sent to an address given while the socket is connected";
        BIND_2_NO_PORT = "Linux bind(2), EADDRINUSE",
            "a bind to port 0 while all ports of ip_local_port_range are in use";
        CLOSE_2 = "Linux close(2)",
            "on Linux a call that waits on a descriptor goes on, and may succeed, after another thread has closed it";
        CONNECT_2 = "Linux connect(2)",
            "a connected datagram socket receives only from the address it is connected to";
        CONNECT_2_BROADCAST = "Linux connect(2), EACCES",
            "a connect to a broadcast address takes a socket that has the broadcast flag";
        CONNECT_2_AGAIN = "Linux connect(2), DESCRIPTION",
            "datagram sockets may connect several times to change their association, and to AF_UNSPEC to dissolve it";
        COREFX_24562 = "dotnet/corefx issue 24562",
            "after the server closed first, a new bind to its TCP port failed on macOS and Linux and succeeded on Windows";
        EPOLL_7_EDGE = "Linux epoll(7), edge-triggered",
            "with EPOLLET events are delivered only when changes occur, one upon each receipt of a chunk of data; what is left after a read is none";
        EPOLL_7_LEVEL = "Linux epoll(7), level-triggered",
            "without EPOLLET epoll is simply a faster poll";
        GVISOR_CONNECT_ZERO = "gVisor, test/syscalls/linux/udp_socket.cc, ConnectAnyZero",
            "Linux passes this test: connect to 0.0.0.0 with port 0 succeeds, and getpeername then returns ENOTCONN";
        GVISOR_SHUTDOWN = "gVisor, test/syscalls/linux/udp_socket.cc, ReconnectDoesNotClearReadShutdown and FIONREADWriteShutdown",
            "Linux passes these tests: a new connect does not undo a shutdown; FIONREAD still counts what was queued before it";
        IN_PKTINFO_2 = "Linux ip(7), IP_PKTINFO, or in_pktinfo(2type)",
            "recvmsg tells the destination address in the header of a datagram and the interface; a sendmsg that gives one uses it as the local source address";
        IPV6_7_MTU = "Linux ipv6(7) or IPV6_MTU(2const)",
            "the path MTU that the kernel knows can be read of a connected socket only";
        IP_7 = "Linux ip(7)",
            "a socket that is bound to port 0, or that sends unbound, is bound to a free port of ip_local_port_range";
        IP_7_ANY = "Linux ip(7), Address format",
            "INADDR_ANY means any address for binding: the socket is bound to all local interfaces";
        IP_7_MTU = "Linux ip(7) or IP_MTU(2const)",
            "the path MTU that the kernel knows; it can be read of a connected socket only";
        IP_7_OFFENDER = "Linux ip(7) or IP_RECVERR(2const), SO_EE_OFFENDER",
            "with an error from the network comes the address of the node that caused it";
        IP_7_PMTUDISC = "Linux ip(7) or IP_MTU_DISCOVER(2const)",
            "IP_PMTUDISC_DO sets the Don't Fragment flag: a datagram that is longer than the MTU is refused with EMSGSIZE";
        IP_ROUTE_8 = "ip-route(8), route types",
            "who sends to an unreachable destination gets EHOSTUNREACH, to a prohibited one EACCES, into a blackhole EINVAL";
        IP_7_PRIVILEGED = "Linux ip(7), EACCES",
            "a bind to a privileged port, one below 1024, without CAP_NET_BIND_SERVICE";
        IP_7_RECVERR = "Linux ip(7) or IP_RECVERR(2const)",
            "all errors of a datagram socket are queued, each with the datagram, its destination and the ICMP type and code; useful for unconnected sockets";
        JDK_4431020 = "OpenJDK issue JDK-4431020",
            "on Windows 2000 a receive returns WSAECONNRESET, once for each ICMP message, and a send does not";
        LINUX_BIND = "Linux net/ipv4/udp.c, udp_lib_lport_inuse()",
            "0.0.0.0 conflicts with every address of the same port, unless both sockets have SO_REUSEADDR or SO_REUSEPORT";
        LINUX_BIND_USER = "Linux net/ipv4/udp.c, udp_lib_lport_inuse(), uid",
            "the user of both sockets is looked at where both have SO_REUSEPORT, and not where both have SO_REUSEADDR";
        LINUX_BIND_LAST = "Linux net/ipv4/udp.c, udp_lib_get_port() and udp4_lib_lookup2()",
            "a socket that is bound goes to the front of its list; of sockets that fit equally well the first takes the datagram";
        LINUX_CHARGE = "Linux net/ipv4/udp.c, __udp_enqueue_schedule_skb()",
            "a datagram is charged with the memory that it takes, its truesize; where that does not fit it is dropped, but an empty queue always takes one; older kernels, such as 6.1, take one more as long as what is queued does not exceed the buffer";
        LINUX_CLOSE = "Linux net/ipv4/udp.c, udp_destruct_common()",
            "when a socket is closed, what is in its queue is freed";
        LINUX_CONNECTED = "Linux net/ipv4/udp.c, compute_score()",
            "it is asked for each socket when a datagram arrives, and only then: one that is connected to another sender is passed over";
        LINUX_CONNECT = "Linux net/ipv4/datagram.c, __ip4_datagram_connect()",
            "connect looks for a route to the address, and not at the port; a broadcast address without SO_BROADCAST is EACCES";
        LINUX_DISCONNECT = "Linux net/ipv4/udp.c, __udp_disconnect()",
            "an address and a port that bind has not asked for are given back";
        LINUX_DISCONNECT_SLEEP = "Linux net/ipv4/udp.c, __udp_disconnect(), peer",
            "the socket has no peer then; an address and a port that bind has asked for stay, and nobody who waits is woken";
        LINUX_DONTFRAG = "Linux net/ipv6/ip6_output.c, __ip6_append_data()",
            "with IPV6_DONTFRAG a UDP datagram that is longer than the MTU less the headers is EMSGSIZE";
        LINUX_DROPS = "Linux SO_MEMINFO, SK_MEMINFO_DROPS",
            "the kernel counts for each socket what it dropped there: for want of room, a wrong checksum or a filter";
        LINUX_EPOLL = "Linux fs/eventpoll.c, ep_insert()",
            "what is ready when it is added is reported, too";
        LINUX_FILTER = "Linux net/ipv4/udp.c, udp_queue_rcv_one_skb()",
            "what the filter of a socket drops is counted there; no ICMP message is sent";
        LINUX_ICMP = "Linux net/ipv4/udp.c, __udp4_lib_err(), and net/ipv4/icmp.c, icmp_err_convert",
            "without IP_RECVERR only hard errors are reported, and to connected sockets only: not time exceeded, net and host unreachable; but port unreachable, a filtered packet (EHOSTUNREACH), and fragmentation needed (EMSGSIZE)";
        LINUX_IPV6_ONLY = "Linux net/ipv4/ip_sockglue.c, ip_setsockopt()",
            "of a socket of IPv4 an option of another level than IPPROTO_IP is ENOPROTOOPT";
        LINUX_POLL = "Linux net/core/datagram.c, datagram_poll()",
            "POLLERR where an error is pending; POLLIN where something is queued, however little, or the socket is shut down; POLLOUT where the send buffer has room";
        LINUX_LOOKUP = "Linux net/ipv4/udp.c, __udp4_lib_lookup() and compute_score()",
            "one socket gets the datagram: one of its address before one of 0.0.0.0, one connected to its sender before one that is not, one of IPv4 before one of IPv6";
        LINUX_MTU = "Linux net/ipv6/ipv6_sockglue.c, do_ipv6_getsockopt()",
            "IPV6_MTU of a socket that has no route yet, as before connect, is ENOTCONN";
        LINUX_OVERFLOW = "Linux include/net/sock.h, sock_skb_set_dropcount()",
            "the count of drops that SO_RXQ_OVFL tells is that of the moment at which the datagram was queued";
        LINUX_PENDING = "Linux net/core/sock.c, sock_alloc_send_pskb()",
            "a pending error of the socket is returned and cleared before anything is sent";
        LINUX_PORT_0 = "Linux net/ipv4/udp.c, udp_sendmsg()",
            "a destination port of 0 is EINVAL; the socket has been bound before that is looked at";
        LINUX_RCVBUF = "Linux net/core/sock.c, sk_setsockopt()",
            "SO_RCVBUF above rmem_max is cut to it without an error; there is a least size; what is queued is left alone";
        LINUX_RCVBUF_UNSIGNED = "Linux net/core/sock.c, sk_setsockopt(), min_t(u32)",
            "SO_RCVBUF and rmem_max are compared as unsigned numbers: -1 is the largest of all, and is cut to rmem_max";
        LINUX_RECEIVE = "Linux net/ipv4/udp.c, __skb_recv_udp()",
            "a pending error of the socket is returned before what is queued";
        LINUX_RECEIVE_NOTHING = "Linux net/ipv4/udp.c, __skb_recv_udp()",
            "a receive looks at the queue before it looks whether the socket is shut down; nothing there is EAGAIN where it may not wait, else 0 bytes where the socket is shut down";
        LINUX_RELEASE = "Linux net/ipv4/udp.c, udp_rmem_release()",
            "room is given back only when a quarter of the receive buffer has been read, or the queue is empty";
        LINUX_REUSEPORT = "Linux net/ipv4/udp.c, lookup_reuseport()",
            "a hash of both addresses and both ports chooses the socket of the group";
        LINUX_ROOM_ERRORS = "Linux net/ipv4/udp.c, __udp_queue_rcv_skb()",
            "what found no room in a receive buffer is counted in RcvbufErrors, and in InErrors as well";
        LINUX_REUSEPORT_GROUP = "Linux net/ipv4/udp.c, udp_reuseport_add_sock() and udp4_lib_lookup2()",
            "with SO_REUSEPORT a socket joins the group of its address, whether it has SO_REUSEADDR or not; without it a socket is in none, and takes what comes if it is the first of its list";
        LINUX_SEND_BUFFER = "Linux net/core/sock.c, sock_alloc_send_pskb(), SO_SNDBUF",
            "a send waits while as much as SO_SNDBUF is unsent; the length of its own data does not matter";
        LINUX_LOOPBACK_SOURCE = "Linux net/ipv4/route.c, __mkroute_output()",
            "what has a source address of 127.0.0.0/8 leaves by no interface but loopback: EINVAL";
        LINUX_SHUTDOWN = "Linux net/ipv4/af_inet.c, inet_shutdown()",
            "without a peer it returns ENOTCONN, shuts the socket down all the same and wakes who waits";
        LINUX_SOURCE = "Linux net/ipv4/udp.c, udp_sendmsg(), inet_saddr",
            "what a socket sends that is bound to one address comes from there";
        LINUX_ORPHAN = "Linux drivers/net/loopback.c, loopback_xmit(), skb_orphan()",
            "loopback takes a datagram off its sender's account before it hands it over; SIOCOUTQ tells that account";
        LINUX_TIMEOUT = "Linux net/core/sock.c, sock_set_timeout()",
            "a limit is kept in ticks of the kernel's clock, rounded up";
        LINUX_TO_ANY = "Linux net/ipv4/route.c, ip_route_output_key_hash_rcu()",
            "a destination of 0.0.0.0 is taken for the socket's own address, or for 127.0.0.1 where it has none";
        LINUX_WRITE = "Linux net/socket.c, sock_write_iter()",
            "a write to a socket is a send, whatever its length";
        LOOPBACK = "implementation of the loopback interface",
            "it keeps order and loses nothing while the buffer has room; no standard guarantees that";
        MS_ACCEPT = "Microsoft Learn, accept",
            "WSAEOPNOTSUPP: the socket is not of a type that supports connections";
        MS_CIRCULAR_QUEUEING = "Microsoft Learn, Winsock IOCTLs, SIO_ENABLE_CIRCULAR_QUEUEING",
            "with this option a full queue drops its oldest message instead of the one that arrives";
        MS_CLOSESOCKET = "Microsoft Learn, closesocket",
            "pending overlapped receives of any thread are canceled; nobody should close a socket while another call on it runs";
        MS_CONNECT = "Microsoft Learn, connect",
            "WSAECONNREFUSED: the connection was refused; a connected datagram socket discards what comes from other addresses";
        MS_CONNECT_ANY = "Microsoft Learn, connect, WSAEADDRNOTAVAIL",
            "the remote address is no valid one, such as INADDR_ANY; but of a datagram socket the Remarks say that zeros disconnect it";
        MS_CONNECT_PEER = "Microsoft Learn, connect, Remarks",
            "on a datagram socket connect merely sets the default destination, and may be called again; what other addresses send is discarded, and what is queued if the peer is another one than before; zeros as the address disconnect it, and send then returns WSAENOTCONN";
        MS_DUPLICATE = "Microsoft Learn, WSADuplicateSocket",
            "each descriptor of a shared socket can be used for I/O; the socket stays open until the last one is closed";
        MS_FIONREAD = "Microsoft Learn, Winsock IOCTLs, FIONREAD",
            "of a datagram socket it is the number of all bytes that can be read, not the size of the first datagram";
        MS_GETSOCKNAME = "Microsoft Learn, getsockname",
            "WSAEINVAL: the socket has not been bound";
        MS_POLL = "Microsoft Learn, WSAPoll",
            "POLLRDNORM: normal data may be read without blocking; POLLWRNORM: written";
        MS_RECVFROM = "Microsoft Learn, recvfrom",
            "too long a datagram fills the buffer, the excess is lost, the call returns WSAEMSGSIZE; an ICMP port unreachable comes back as WSAECONNRESET";
        MS_RECVFROM_WAITS = "Microsoft Learn, recvfrom, remarks",
            "without data the call waits for it, and on a non-blocking socket returns WSAEWOULDBLOCK";
        MS_RECVMSG = "Microsoft Learn, WSARecvMsg",
            "MSG_TRUNC is set when the datagram was truncated";
        MS_REUSEADDR = "Microsoft Learn, Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE, Enhanced Socket Security",
            "where the first socket has set no option, sockets of the same user may have one port at the wildcard and at a specific address; the same address twice, without options, is WSAEADDRINUSE";
        MS_REUSE_TWICE = "Microsoft Learn, Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE, Enhanced Socket Security",
            "both sockets have SO_REUSEADDR: success, and which of them receives is indeterminate; only the second: WSAEACCES; only the first: WSAEADDRINUSE";
        MS_SEND = "Microsoft Learn, send",
            "WSAENOTCONN: the socket is not connected";
        MS_SENDTO = "Microsoft Learn, sendto",
            "an unbound socket is bound by the call, to a port that the system chooses; if it is not connected, getsockname tells that port and the wildcard as the address";
        MS_SENDTO_ANY = "Microsoft Learn, sendto, WSAEADDRNOTAVAIL",
            "the remote address is not a valid address, for example ADDR_ANY";
        MS_SENDTO_CONNECTED = "Microsoft Learn, sendto, Remarks",
            "the address given overrides the peer of a connected socket for that datagram only; getsockname tells a connected socket's local address";
        MS_SENDTO_TOO_LONG = "Microsoft Learn, sendto, WSAEMSGSIZE",
            "the message is larger than the maximum that the transport supports: no data is transmitted";
        MS_TIMED_OUT = "Microsoft Learn, WSARecvMsg, WSAETIMEDOUT",
            "a receive of a datagram socket had a limit by SO_RCVTIMEO, and that has passed";
        MS_TIMEOUT = "Microsoft Learn, SOL_SOCKET Socket Options",
            "SO_RCVTIMEO: the default, 0, is no time-out";
        POSIX_ACCEPT = "POSIX accept()",
            "EOPNOTSUPP: the socket type does not support accepting connections";
        POSIX_BIND = "POSIX bind()",
            "EADDRINUSE: the address is in use; EADDRNOTAVAIL: the machine does not have it; EINVAL: the socket is bound already";
        POSIX_CLOSE = "POSIX close()",
            "an open file description is freed when all its descriptors are closed";
        POSIX_CONNECT = "POSIX connect()",
            "a datagram socket only gets its peer address set, no connection is made; ECONNREFUSED: nobody listens at a stream address";
        POSIX_CONNECT_PEER = "POSIX connect(), DESCRIPTION",
            "the peer address of a datagram socket is where send sends to, and limits the remote sender for later receives";
        POSIX_DUP = "POSIX dup(), and fcntl(), F_SETFL",
            "both descriptors are of one open file description, and O_NONBLOCK belongs to that";
        POSIX_DUP_QUEUE = "POSIX dup(), open file description",
            "both descriptors refer to the same open file description, and so to one socket with one queue";
        POSIX_GETSOCKNAME = "POSIX getsockname()",
            "while a socket has not been bound, the address returned is unspecified";
        POSIX_GETSOCKNAME_BOUND = "POSIX getsockname(), DESCRIPTION",
            "the name to which the socket was bound is returned";
        POSIX_GETSOCKOPT = "POSIX getsockopt()",
            "SO_ERROR reports the pending error of the socket and clears it";
        POSIX_LISTEN = "POSIX listen()",
            "EOPNOTSUPP: the socket protocol does not support listen()";
        POSIX_POLL_OUT = "POSIX poll(), POLLOUT",
            "data may be written without blocking";
        POSIX_POLL = "POSIX poll()",
            "POLLIN: data may be read without blocking";
        POSIX_READ = "POSIX read()",
            "a read of 0 bytes, if no error is found, returns 0 and has no other results";
        POSIX_RECV = "POSIX recv()",
            "a stream ignores message boundaries and discards no data; 0 is returned once the peer has shut down in order";
        POSIX_RECVFROM = "POSIX recvfrom()",
            "the entire message is read in a single operation; what does not fit the buffer is discarded; a peek leaves the message unread";
        POSIX_RECVFROM_WAITS = "POSIX recvfrom(), O_NONBLOCK",
            "without a message the call waits until one arrives, and with O_NONBLOCK returns EAGAIN or EWOULDBLOCK";
        POSIX_RECVMSG = "POSIX recvmsg()",
            "a message fills the buffers one after another; MSG_TRUNC is set when it was truncated";
        POSIX_SENDMSG = "POSIX sendmsg()",
            "the buffers of one call are sent as one message";
        POSIX_SENDTO = "POSIX sendto()",
            "returns the number of bytes sent; success does not guarantee delivery";
        POSIX_SENDTO_NO_ROUTE = "POSIX sendto(), ENETUNREACH",
            "no route to the network is present";
        POSIX_SENDTO_TOO_LONG = "POSIX sendto(), EMSGSIZE",
            "the message is too large to be sent all at once, as the socket requires";
        POSIX_SEND_SIGPIPE = "POSIX send(), EPIPE",
            "the signal SIGPIPE is for sockets of the type SOCK_STREAM";
        POSIX_SEND_SHUTDOWN = "POSIX send()",
            "EPIPE: the socket is shut down for writing";
        POSIX_SHUTDOWN = "POSIX shutdown()",
            "ENOTCONN: the socket is not connected";
        POSIX_THREADS = "POSIX XSH 2.9.1, thread safety",
            "socket calls may be made by several threads at once";
        POSIX_TIMEOUT = "POSIX setsockopt(), SO_RCVTIMEO",
            "the default, 0, is no time-out; a receive that has waited so long in vain returns EAGAIN or EWOULDBLOCK";
        RECV_2 = "Linux recv(2)",
            "the flag MSG_TRUNC returns the real length of the datagram, even when it was longer than the buffer";
        RECV_2_DONTWAIT = "Linux recv(2), MSG_DONTWAIT",
            "one call that would wait returns EAGAIN or EWOULDBLOCK; the socket stays as it is";
        RFC1122_BROADCAST = "RFC 1122 section 3.2.2",
            "no ICMP error may be sent about a datagram to a broadcast or multicast address";
        RFC1122_MULTIHOMING = "RFC 1122 section 4.1.3.5",
            "an answer should come from the address that was asked; the program has to see to it";
        RFC1122_PORTS = "RFC 1122 section 4.1.3.1",
            "a datagram for a port where nobody listens should be answered with ICMP port unreachable";
        RFC1122_SOURCE = "RFC 1122 section 4.1.3.5, source address",
            "a program may leave the source address of a datagram open; the system then chooses one";
        RFC4113 = "RFC 4113, udpNoPorts and udpOutDatagrams",
            "the system counts what it has sent, and what has come for a port where nobody listens";
        RFC4113_IN = "RFC 4113, udpInDatagrams",
            "the system counts the datagrams that it has delivered to programs";
        RFC4443 = "RFC 4443 section 3.1",
            "destination unreachable is type 1; port unreachable is its code 4";
        RFC6298_BACK_OFF = "RFC 6298 section 5, (5.5)",
            "when the retransmission timer expires, the time-out is doubled; a maximum may bound it";
        RFC6335 = "RFC 6335 section 6",
            "49152 to 65535 are the dynamic ports, never assigned; systems choose their own range";
        RFC6633 = "RFC 6633",
            "ICMP Source Quench is withdrawn: a host must not send it";
        RFC768 = "RFC 768",
            "a datagram carries ports, length (8 or more) and checksum; delivery and duplicate protection are not guaranteed; neither a handshake nor a state is described";
        RFC768_PORTS = "RFC 768 and RFC 9293 section 3.1",
            "UDP and TCP each have a header with ports of its own";
        RFC768_SOURCE = "RFC 768, Source Port",
            "the source port is optional; where it is not used, a value of zero is inserted";
        RFC791 = "RFC 791 section 3.1",
            "the total length of a packet has 16 bits, headers counted; hosts need not take more than 576 bytes";
        RFC791_FRAGMENTS = "RFC 791 sections 2.3 and 3.2",
            "a packet that is longer than the next network takes is cut into fragments, of multiples of 8 bytes, each with a header of its own; the destination joins them, or discards all when some have not come in time";
        RFC792_TIME = "RFC 792, Time Exceeded Message",
            "time to live exceeded in transit is type 11, code 0; a gateway discards the datagram and may notify the sender";
        RFC792 = "RFC 792",
            "destination unreachable is type 3; port unreachable is its code 3";
        RFC8085_CONTROL = "RFC 8085 section 3.1",
            "UDP itself limits no sender: congestion control is left to the application";
        RFC8085_BULK = "RFC 8085 section 3.1.2",
            "who exchanges more than a few datagrams in a round trip should use a window and control it by congestion, as TCP does";
        RFC8085_FEW = "RFC 8085 section 3.1.3",
            "who exchanges only a few datagrams should send no more than one in a round trip on average";
        RFC8085_KEEP_ALIVE = "RFC 8085 section 3.5",
            "messages that keep a session alive can be lost like any datagram; they should not be sent more often than once in 15 seconds";
        RFC8085_RELIABILITY = "RFC 8085 section 3.3",
            "UDP retransmits nothing, may deliver copies, some much later, and may deliver out of order: who needs more has to implement it";
        RFC8200_FRAGMENTS = "RFC 8200 section 4.5",
            "the source may cut a packet into fragments that fit the MTU; the destination joins them, or discards all when one is missing after 60 seconds";
        RFC8200_LENGTH = "RFC 8200 section 3",
            "the payload length has 16 bits; the IP header is not counted";
        RFC9293_FLOW = "RFC 9293 section 3.8.6",
            "the receiver's window says how much it takes; the sender sends no more";
        RFC9293_STREAM = "RFC 9293 section 2.2",
            "TCP provides a reliable, in-order, byte-stream service";
        RFC9293_TIME_WAIT = "RFC 9293 section 3.6.1",
            "who closes a connection first keeps it in TIME-WAIT for a while; that a new bind is refused meanwhile is the system's choice";
        SEND_2 = "Linux send(2)",
            "the socket is not connected: ENOTCONN, for which Linux may return EPIPE";
        SEND_2_NO_PORT = "Linux send(2), EAGAIN",
            "the first send of an unbound datagram socket while all ports of ip_local_port_range are in use";
        SEND_2_NO_PEER = "Linux send(2), EDESTADDRREQ",
            "the socket is not connection-mode, and no peer address is set";
        SEND_2_TOO_LONG = "Linux send(2), DESCRIPTION",
            "a message that is too long to pass atomically is not transmitted";
        SIGNAL_7_RESTART = "Linux signal(7), SA_RESTART",
            "recvfrom that is interrupted by a signal handler fails with EINTR, unless the flag SA_RESTART was used: then it is restarted";
        SIGNAL_7_TIMEOUT = "Linux signal(7), SO_RCVTIMEO",
            "where a receive time-out is set, recvfrom is never restarted after a signal handler, with SA_RESTART or without: EINTR";
        SOCKET_7 = "Linux socket(7)",
            "SO_RCVBUF is the maximum receive buffer in bytes; the kernel doubles it for its own bookkeeping";
        SOCKET_7_ERROR = "Linux socket(7), SO_ERROR",
            "the pending socket error is cleared when it is got";
        SOCKET_7_FORCE = "Linux socket(7), SO_RCVBUFFORCE",
            "a process with CAP_NET_ADMIN may exceed the limit rmem_max";
        SOCKET_7_LIMIT = "Linux socket(7), rmem_max",
            "the largest value that SO_RCVBUF may be set to; the kernel doubles what is set";
        SOCKET_7_OVERFLOW = "Linux socket(7), SO_RXQ_OVFL",
            "each datagram received brings the number of datagrams that the socket has dropped since it was created";
        SOCKET_7_REUSEADDR = "Linux socket(7), SO_REUSEADDR",
            "bind may reuse a local address that no listening socket has";
        SOCKET_7_SAME_USER = "Linux socket(7), SO_REUSEPORT",
            "all processes that bind to one address must have the same effective user, so that no other takes the port";
        SOCKET_7_REUSEPORT = "Linux socket(7), SO_REUSEPORT",
            "several sockets may be bound to one address if each has set the option before its bind, the first one too; UDP datagrams are distributed among them";
        SOCKET_7_REUSEPORT_PROGRAM = "Linux socket(7), SO_ATTACH_REUSEPORT_CBPF",
            "the program returns the number of the socket that receives a packet, counted from 0 in the order of the binds; it may be replaced at any time on any socket of the group; with a number that no socket has, SO_REUSEPORT distributes as without it";
        UDP_7 = "Linux udp(7)",
            "each receive returns one packet; MSG_WAITALL is not supported; an unbound socket is bound to a free port; ECONNREFUSED: nobody received an earlier packet";
        UDP_7_ANY = "Linux udp(7), INADDR_ANY",
            "an unbound socket that sends is bound to a free port and to INADDR_ANY";
        UDP_7_FIONREAD = "Linux udp(7), FIONREAD",
            "the size of the next datagram; 0 where there is none, and where it has no bytes: these cannot be told apart";
        UDP_7_SENDTO = "Linux udp(7), DESCRIPTION",
            "a connected socket can still send to other destinations by sendto";
        UNP_CONNECT = "Stevens, UNIX Network Programming, 3rd ed., section 8.11",
            "connect on a UDP socket has no handshake: the kernel looks for immediate errors only, and records the peer's address";
        UNP_ERRORS = "Stevens, UNIX Network Programming, 3rd ed., sections 8.9 and 8.11",
            "an error that comes back later is returned only to a connected UDP socket";
        UNP_ITERATIVE = "Stevens, UNIX Network Programming, 3rd ed., section 8.4",
            "most UDP servers are iterative: one process takes one datagram after another from the receive buffer of one socket";
        UNP_OUTGOING = "Stevens, UNIX Network Programming, 3rd ed., section 8.14",
            "connect on a UDP socket sends nothing; by the route to the peer the kernel chooses the local address, which getsockname tells";
        UNP_TRUNCATION = "Stevens, UNIX Network Programming, 3rd ed., section 22.3",
            "to notice too long a datagram, offer one byte more than the longest you accept";
        UNSLOTH_11213 = "unslothai/unsloth pull request 11213",
            "connect to a closed TCP port of 127.0.0.1 failed after about 2 s on Windows, and after 0.1 ms on Linux and macOS";
        WINE_BROADCAST = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_broadcast()",
            "Windows passes this test: a UDP socket without SO_BROADCAST connects to 255.255.255.255; Microsoft Learn says of connect to a broadcast address that it is WSAEACCES then";
        WINE_CONNECT = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_connect_udp(), AF_UNSPEC",
            "Windows passes this test: a UDP socket connects to one port, then to another, and to AF_UNSPEC, and has no peer then";
        WINE_LISTEN = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_listen()",
            "Windows passes this test: listen on a UDP socket returns WSAEOPNOTSUPP";
        WINE_RECEIVE_BUFFER = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_set_getsockopt()",
            "Windows passes this test: the size of a TCP socket's buffer is read back as it was set";
        WINE_SHUTDOWN = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_shutdown()",
            "Windows passes this test: a UDP socket without a peer is shut down; then a receive and a send return WSAESHUTDOWN";
        WINE_UDP = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_UDP()",
            "Windows passes this test: a UDP socket connects to a port where nobody listens, and sends succeed, also when ICMP messages have come; so does a sendto to port 0; Microsoft Learn lists WSAECONNRESET for sendto all the same";
        WINE_UNBOUND = "Wine 11.10, dlls/ws2_32/tests/sock.c, test_connect_udp()",
            "Windows passes this test: a receive on an unbound socket returns WSAEINVAL";
        XNU_ACCEPT = "Apple xnu-11417, bsd/kern/uipc_syscalls.c, accept_nocancel()",
            "EOPNOTSUPP when the protocol has no connections";
        XNU_BIND = "Apple xnu-11417, bsd/netinet/in_pcb.c, in_pcbbind()",
            "a socket without a port is given a free one, which it keeps";
        XNU_BIND_LOW = "Apple xnu-11417, bsd/netinet/in_pcb.c, in_pcbbind()",
            "a port below 1024 of a specific address takes privilege, else EACCES";
        XNU_CLOSE = "Apple xnu-11417, bsd/kern/uipc_socket.c, sofreelastref()",
            "when a socket is closed, what is in its queue is freed";
        XNU_CLOSE_WAKES = "Apple xnu-11417, bsd/kern/kern_descrip.c, fileproc_drain()",
            "a close ends the calls that wait on the descriptor, with EBADF";
        XNU_CONNECT = "Apple xnu-11417, bsd/netinet/udp_usrreq.c, udp_connect()",
            "the socket is given a peer and a local address, and its receive buffer is left alone";
        XNU_DISCONNECT = "Apple xnu-11417, bsd/netinet/udp_usrreq.c, udp_disconnect()",
            "the local address becomes 0.0.0.0, and the port stays";
        XNU_FULL_BUFFER = "Apple xnu-11417, bsd/netinet/udp_usrreq.c, udp_append()",
            "a datagram for which the receive buffer has no room is dropped";
        XNU_ICMP = "Apple xnu-11417, bsd/netinet/udp_usrreq.c, udp_ctlinput()",
            "an ICMP error goes to the socket that is connected to the peer in question, and to no other";
        XNU_LISTEN = "Apple xnu-11417, bsd/kern/uipc_socket.c, solisten()",
            "EOPNOTSUPP when the protocol has no connections";
        XNU_LOOPBACK = "Apple xnu-11417, bsd/net/dlil_input.c, dlil_input_async()",
            "an input queue that is too long, of loopback too, is cut short, and the send still succeeds";
        XNU_POLL = "Apple xnu-11417, bsd/kern/uipc_socket.c, filt_soread_common()",
            "a pending error makes a socket readable, in filt_sowrite_common() writable as well; for poll there is no POLLERR in either";
        XNU_PORT_0 = "Apple xnu-11417, bsd/netinet/in_pcb.c, in_pcbladdr()",
            "a send or a connect of an unbound socket to port 0 is EADDRNOTAVAIL, before the socket is bound";
        XNU_READABLE = "Apple xnu-11417, bsd/kern/uipc_socket.c, filt_soread_common()",
            "for poll a socket is readable when as much as SO_RCVLOWAT is queued, or when it is shut down for receiving";
        XNU_RECEIVE = "Apple xnu-11417, bsd/kern/uipc_socket.c, soreceive()",
            "a datagram is taken whole, however little was asked for, even 0 bytes, and the rest is dropped; its room is free at once; MSG_WAITALL joins no datagrams; a pending error is cleared when it is returned, which is after what is queued";
        XNU_RECEIVE_BUFFER = "Apple xnu-11417, bsd/kern/uipc_socket.c, SO_RCVBUF",
            "the size of the receive buffer is read back as it was set";
        XNU_RECEIVE_BUFFER_LEAST = "Apple xnu-11417, bsd/kern/uipc_socket.c, sosetoptlock(), SO_RCVBUF",
            "a value below 1 is EINVAL";
        XNU_RESERVE = "Apple xnu-11417, bsd/kern/uipc_socket2.c, sbreserve()",
            "a receive buffer above kern.ipc.maxsockbuf is cut to it";
        XNU_REUSE = "Apple xnu-11417, bsd/netinet/in_pcb.c, in_pcbbind()",
            "the same specific address twice needs SO_REUSEPORT on both sockets, a specific one beside the wildcard either option on the second; without an option that is EADDRINUSE too, in either order";
        XNU_REUSE_LOOKUP = "Apple xnu-11417, bsd/netinet/in_pcb.c, in_pcblookup_hash_locked()",
            "a socket of the specific address goes before one of the wildcard; of several at one specific address the one bound last gets everything";
        XNU_ROOM = "Apple xnu-11417, bsd/kern/uipc_socket2.c, sbappendaddr()",
            "the sender's address, 16 bytes, takes room in the receive buffer too";
        XNU_SEND = "Apple xnu-11417, bsd/kern/uipc_socket.c, sosendcheck()",
            "a pending error is returned before anything is sent; without a peer a stream socket returns ENOTCONN and a datagram socket EDESTADDRREQ";
        XNU_SEND_BUFFER = "Apple xnu-11417, bsd/kern/uipc_socket.c, sosendcheck(), sb_hiwat",
            "a datagram that is longer than the send buffer is EMSGSIZE; net.inet.udp.maxdgram, 9216, is its size by default";
        XNU_SHUTDOWN = "Apple xnu-11417, bsd/kern/uipc_socket.c, soshutdown()",
            "without a peer ENOTCONN, and nothing is done; else the queue is discarded, and receives return 0 bytes, for good";
        XNU_TIMEOUT = "Apple xnu-11417, bsd/kern/uipc_socket.c, sosetoptlock()",
            "a limit is kept as it was set";
        XNU_TOO_LONG = "Apple xnu-11417, bsd/netinet/udp_usrreq.c, udp_output()",
            "data that is longer than a packet of 65535 bytes, headers counted, is EMSGSIZE before anything is sent";
    }
}

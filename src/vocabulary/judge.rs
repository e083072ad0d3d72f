//! The one comparer.

use super::{Claim, Expect, Fact, Os, Row, Strength, Verdict};

/// What the run of a scene brought back for one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// This was seen.
    Seen(Fact),
    /// It could not be looked at here, for this reason.
    Skipped(Reason),
}

/// Why a row was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What was seen.
    pub seen: String,
    /// What the user of this machine can do about it.
    pub advice: Option<&'static str>,
}

impl From<String> for Reason {
    fn from(seen: String) -> Self {
        Reason { seen, advice: None }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.seen)?;
        self.advice.map_or(Ok(()), |advice| write!(f, " {advice}"))
    }
}

impl From<&str> for Reason {
    fn from(seen: &str) -> Self {
        seen.to_owned().into()
    }
}

/// Compares a claim with what was observed on `os`.
pub fn judge(claim: &Claim, os: Os, observed: &Observation) -> Row {
    let expect = claim.expected.on(os);
    let proved = match observed {
        Observation::Seen(Fact::Unproved { seen, why }) => Some(match expect {
            Expect::Is(expected) if expected == &**seen => Observation::Seen((**seen).clone()),
            // A row that is not judged cannot differ.
            Expect::Unconfirmed(_) => Observation::Seen((**seen).clone()),
            _ => Observation::Skipped(why.clone().into()),
        }),
        Observation::Seen(_) | Observation::Skipped(_) => None,
    };
    let observed = proved.as_ref().unwrap_or(observed);
    let (verdict, reason) = match (expect, observed) {
        (Expect::Absent(reason), _) => (Verdict::Skipped, Some(Reason::from(*reason))),
        (_, Observation::Skipped(reason)) => (Verdict::Skipped, Some(reason.clone())),
        (Expect::Is(expected), Observation::Seen(fact)) if expected == fact => (Verdict::Match, None),
        (Expect::Is(expected), Observation::Seen(fact)) => {
            (Verdict::Differs, difference(claim.strength, expected, fact).map(Reason::from))
        }
        (Expect::Measured, Observation::Seen(_)) => (Verdict::Info, None),
        (Expect::Unconfirmed(_), Observation::Seen(_)) => {
            (Verdict::Info, Some(format!("the answer of {} is not confirmed", os.name()).into()))
        }
    };
    let seen = match observed {
        Observation::Seen(fact) if verdict != Verdict::Skipped => Some(fact),
        _ => None,
    };
    let expected = match expect {
        Expect::Is(fact) | Expect::Unconfirmed(fact) => Some(fact),
        Expect::Measured | Expect::Absent(_) => None,
    };
    Row {
        id: claim.id.clone(),
        property: claim.property.clone(),
        beside: claim.beside.clone(),
        expected: expect.to_string(),
        expected_value: expected.and_then(Fact::value),
        observed: seen.map_or_else(|| "-".to_owned(), Fact::to_string),
        observed_value: seen.and_then(Fact::value),
        verdict,
        strength: claim.strength,
        source: claim.source_on(os),
        is_measured: *expect == Expect::Measured,
        advice: reason.as_ref().and_then(|reason| reason.advice),
        reason: reason.map(|reason| reason.to_string()),
    }
}

/// What a reader of a `differs` must know beyond the two cells.
fn difference(strength: Strength, expected: &Fact, observed: &Fact) -> Option<String> {
    let mut notes = Vec::new();
    if strength == Strength::Typical {
        notes.push("guaranteed by no standard".to_owned());
    }
    if let (Fact::Bytes(expected), Fact::Bytes(observed)) = (expected, observed) {
        let same = expected.iter().zip(observed).take_while(|(a, b)| a == b).count();
        notes.push(format!(
            "{} bytes expected, {} observed, the first difference after {same}",
            expected.len(),
            observed.len()
        ));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{SocketError, sources, specified, typical};

    fn verdict(claim: &Claim, os: Os, fact: impl Into<Fact>) -> Verdict {
        judge(claim, os, &Observation::Seen(fact.into())).verdict
    }

    #[test]
    fn equal_facts_match_and_all_others_differ() {
        let claim = specified("id", "receives", 3, &sources::POSIX_RECVFROM);
        assert_eq!(verdict(&claim, Os::Linux, 3), Verdict::Match);
        assert_eq!(verdict(&claim, Os::Linux, 4), Verdict::Differs);
        assert_eq!(verdict(&claim, Os::Linux, "3"), Verdict::Differs);
        assert_eq!(verdict(&claim, Os::Linux, Fact::Nothing), Verdict::Differs);
        let empty = specified("id", "receive", &b""[..], &sources::POSIX_RECVFROM);
        assert_eq!(verdict(&empty, Os::Linux, Fact::Nothing), Verdict::Differs);
    }

    #[test]
    fn an_error_is_judged_by_the_number_of_the_system() {
        let claim = specified("id", "next call", SocketError::ConnectionRefused, &sources::UDP_7).on(
            Os::Windows,
            SocketError::ConnectionReset,
            &sources::MS_RECVFROM,
        );
        let refused = |os| SocketError::ConnectionRefused.on(os);
        assert_eq!(verdict(&claim, Os::Linux, refused(Os::Linux)), Verdict::Match);
        assert_eq!(verdict(&claim, Os::Macos, refused(Os::Macos)), Verdict::Match);
        assert_eq!(verdict(&claim, Os::Macos, refused(Os::Linux)), Verdict::Differs);
        assert_eq!(verdict(&claim, Os::Windows, refused(Os::Windows)), Verdict::Differs);
        assert_eq!(claim.expected.on(Os::Windows).to_string(), "WSAECONNRESET 10054");
    }

    #[test]
    fn what_nobody_confirmed_is_shown_and_not_judged() {
        let claim =
            specified("id", "listen", SocketError::NotSupported, &sources::POSIX_LISTEN).unconfirmed_on(Os::Macos);
        let row = judge(&claim, Os::Macos, &Observation::Seen(Fact::Nothing));
        assert_eq!((row.verdict, row.expected.as_str()), (Verdict::Info, "EOPNOTSUPP 102 ?"));
        assert_eq!(verdict(&claim, Os::Linux, Fact::Nothing), Verdict::Differs);
    }

    #[test]
    fn a_row_cites_the_document_of_its_system() {
        let claim =
            specified("id", "receive", 1, &sources::POSIX_RECVFROM).cites_on(Os::Windows, &sources::MS_RECVFROM);
        let cited = |os| judge(&claim, os, &Observation::Seen(1.into())).source;
        assert_eq!(cited(Os::Windows), &sources::MS_RECVFROM);
        assert_eq!(cited(Os::Linux), &sources::POSIX_RECVFROM);
    }

    #[test]
    fn a_skipped_row_never_matches_and_gives_its_reason() {
        let claim = specified("id", "flag", 1, &sources::POSIX_RECVMSG).absent_on(Os::Windows, "no such flag");
        let row = judge(&claim, Os::Windows, &Observation::Seen(1.into()));
        assert_eq!((row.verdict, row.reason.as_deref()), (Verdict::Skipped, Some("no such flag")));
        assert_eq!((row.observed.as_str(), row.observed_value), ("-", None));
        let row = judge(&claim, Os::Linux, &Observation::Skipped("no IPv6".into()));
        assert_eq!((row.verdict, row.reason.as_deref()), (Verdict::Skipped, Some("no IPv6")));
    }

    #[test]
    fn what_proves_nothing_is_a_match_or_skipped() {
        let claim = specified("id", "send", SocketError::NetworkUnreachable, &sources::SEND_2);
        let seen = |error: SocketError| Fact::from(error.on(Os::Linux)).unproved("no way there");
        let row = judge(&claim, Os::Linux, &Observation::Seen(seen(SocketError::NetworkUnreachable)));
        assert_eq!((row.verdict, row.observed.as_str()), (Verdict::Match, "ENETUNREACH 101"));
        let row = judge(&claim, Os::Linux, &Observation::Seen(seen(SocketError::TooManyFiles)));
        assert_eq!((row.verdict, row.reason.as_deref()), (Verdict::Skipped, Some("no way there")));
        assert_eq!((row.observed.as_str(), row.observed_value), ("-", None));
        let claim = claim.unconfirmed_on(Os::Linux);
        let row = judge(&claim, Os::Linux, &Observation::Seen(seen(SocketError::TooManyFiles)));
        assert_eq!((row.verdict, row.observed.as_str()), (Verdict::Info, "EMFILE 24"));
    }

    #[test]
    fn a_difference_says_what_the_cells_cannot() {
        let claim = typical("id", "receive", &b"hello"[..], &sources::POSIX_RECVFROM);
        let row = judge(&claim, Os::Linux, &Observation::Seen((&b"help"[..]).into()));
        let reason = "guaranteed by no standard; 5 bytes expected, 4 observed, the first difference after 3";
        assert_eq!(row.reason.as_deref(), Some(reason));
    }
}

//! TCP and UDP side by side: the rows of both that have one property are one line.

use comfy_table::Cell;

use super::RenderOptions;
use super::phrases::{both_values, is_typical, typical};
use super::sheet::{Notes, Sheet};
use super::table::{colour, note};
use crate::vocabulary::{Protocol, Report, Row, Verdict};

/// A property, and the row of each protocol that has it.
pub(super) struct Pair<'r> {
    property: &'r str,
    tcp: Option<&'r Row>,
    udp: Option<&'r Row>,
}

impl<'r> Pair<'r> {
    /// The rows in pairs: two that follow one another and have the same property stand side by side.
    pub(super) fn all(rows: &'r [Row]) -> Vec<Pair<'r>> {
        let mut pairs: Vec<Pair<'r>> = Vec::new();
        for row in rows {
            let Some(beside) = &row.beside else { continue };
            let same = pairs.last_mut().filter(|pair| pair.property == beside.property);
            match same.map(|pair| pair.side(beside.protocol)) {
                Some(side @ None) => *side = Some(row),
                _ => {
                    let mut pair = Pair { property: &beside.property, tcp: None, udp: None };
                    *pair.side(beside.protocol) = Some(row);
                    pairs.push(pair);
                }
            }
        }
        pairs
    }

    fn side(&mut self, protocol: Protocol) -> &mut Option<&'r Row> {
        match protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &'r Row> + use<'r> {
        self.tcp.into_iter().chain(self.udp)
    }

    /// The property; marked, where all of it is only typical.
    pub(super) fn property(&self) -> String {
        typical(self.property, self.rows().all(is_typical))
    }

    /// What `say` says of TCP and of UDP; marked, where one alone is only typical. Empty where there is no such row.
    pub(super) fn values(&self, say: fn(&Row) -> String) -> [String; 2] {
        let all = self.rows().all(is_typical);
        [self.tcp, self.udp].map(|row| row.map_or_else(String::new, |row| typical(&say(row), is_typical(row) && !all)))
    }

    /// The verdict on both, each by itself where they are not the same.
    fn verdict(&self, notes: &Notes) -> String {
        let word = |row: &Row| notes.marked(row.verdict.word(), note(row).as_deref());
        match (self.tcp.map(word), self.udp.map(word)) {
            (Some(tcp), Some(udp)) if tcp != udp => format!("TCP {tcp}\nUDP {udp}"),
            (one, other) => one.or(other).unwrap_or_default(),
        }
    }

    /// The colour of the verdict that a reader must see first.
    fn colour(&self) -> Option<comfy_table::Color> {
        let has = |verdict: &Verdict| self.rows().any(|row| row.verdict == *verdict);
        let gravest = [Verdict::Differs, Verdict::Skipped, Verdict::Match, Verdict::Info].into_iter().find(has);
        gravest.map(colour)
    }
}

/// Whether TCP and UDP stand side by side in the whole report.
pub(super) fn fits(report: &Report) -> bool {
    report.rows().next().is_some() && report.rows().all(|row| row.beside.is_some())
}

/// The table of each scene.
pub(super) fn tables(report: &Report, notes: &Notes, options: RenderOptions) -> Vec<String> {
    let mut sheet = Sheet::new(options, &["Property", "TCP", "UDP", "Verdict"]);
    for scene in &report.scenes {
        sheet.scene(&scene.title);
        for pair in Pair::all(&scene.rows) {
            let [tcp, udp] = pair.values(in_full).map(|value| sheet.cell(&value));
            let mut verdict = Cell::new(pair.verdict(notes));
            if let Some(colour) = pair.colour() {
                verdict = verdict.fg(colour);
            }
            sheet.row([sheet.cell(&pair.property()), tcp, udp, verdict]);
        }
    }
    sheet.tables(1..3).into_iter().map(|(_, table)| table).collect()
}

/// What was expected and observed, said once where it is the same.
fn in_full(row: &Row) -> String {
    match row.verdict {
        Verdict::Differs => both_values(row),
        Verdict::Match | Verdict::Info | Verdict::Skipped => in_short(row),
    }
}

/// What was observed, and whether that is not what was expected.
pub(super) fn in_short(row: &Row) -> String {
    match row.verdict {
        Verdict::Match | Verdict::Info => row.observed.clone(),
        Verdict::Differs => format!("{} (differs)", row.observed),
        Verdict::Skipped => "not observed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Claim, Observation, Os, judge, sources, specified, tcp, typical, udp};

    fn row(claim: &Claim) -> Row {
        judge(claim, Os::Linux, &Observation::Seen(1.into()))
    }

    /// For each pair its property, and whether TCP and UDP are there.
    fn pairs(rows: &[Row]) -> Vec<(&str, bool, bool)> {
        Pair::all(rows).iter().map(|pair| (pair.property, pair.tcp.is_some(), pair.udp.is_some())).collect()
    }

    #[test]
    fn neighbours_with_one_property_are_a_pair() {
        let claim = |property| specified("id", property, 1, &sources::RFC768);
        let rows = [tcp("a"), udp("a"), udp("b"), udp("c"), tcp("c"), tcp("a")].map(|property| row(&claim(property)));
        let expected = [("a", true, true), ("b", false, true), ("c", true, true), ("a", true, false)];
        assert_eq!(pairs(&rows), expected);
    }

    #[test]
    fn no_row_is_lost_where_two_of_one_protocol_have_one_property() {
        let claim = specified("id", udp("a"), 1, &sources::RFC768);
        let rows = [row(&claim), row(&claim)];
        assert_eq!(pairs(&rows), [("a", false, true), ("a", false, true)]);
    }

    #[test]
    fn what_differs_is_written_in_full() {
        let claim = specified("id", udp("a"), 2, &sources::RFC768);
        assert_eq!(in_full(&row(&claim)), "expected 2, observed 1");
        assert_eq!(in_short(&row(&claim)), "1 (differs)");
    }

    #[test]
    fn the_mark_stands_before_all_that_is_typical() {
        let (specified, typical) = (specified("id", tcp("a"), 1, &sources::RFC768), |property| {
            row(&typical("id", property, 1, &sources::RFC768))
        });
        let drawn = |rows: &[Row]| {
            let pairs = Pair::all(rows);
            let [tcp, udp] = pairs[0].values(in_short);
            [pairs[0].property(), tcp, udp]
        };
        assert_eq!(drawn(&[row(&specified), typical(udp("a"))]), ["a", "1", "~ 1"]);
        assert_eq!(drawn(&[typical(tcp("a")), typical(udp("a"))]), ["~ a", "1", "1"]);
        assert_eq!(drawn(&[typical(udp("a"))]), ["~ a", "", "1"]);
    }
}

//! What `/metrics` says, as far as a table needs it: the Prometheus text format, read leniently.

use std::collections::BTreeMap;

/// One scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(BTreeMap<String, Vec<Sample>>);

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    labels: Vec<(String, String)>,
    value: f64,
}

impl Samples {
    /// Lines that are not understood are left out: a newer server may say more.
    pub(super) fn parse(text: &str) -> Self {
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for (name, sample) in text.lines().filter_map(sample) {
            samples.entry(name).or_default().push(sample);
        }
        Self(samples)
    }

    fn of<'a>(&'a self, name: &str, wanted: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Sample> {
        let all = self.0.get(name).into_iter().flatten();
        all.filter(|sample| wanted.iter().all(|(label, value)| sample.label(label) == Some(value)))
    }

    /// The sum of all series with these labels; `None` if there is none.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.of(name, labels).map(|sample| sample.value).reduce(|sum, value| sum + value)
    }

    /// The upper bounds of a histogram with how many are at or below each, since `earlier`.
    fn buckets(&self, earlier: &Self, name: &str, labels: &[(&str, &str)]) -> Vec<(f64, f64)> {
        let name = format!("{name}_bucket");
        let read = |samples: &Self| -> Vec<(f64, f64)> {
            let bound = |sample: &Sample| Some((sample.label("le")?.parse().ok()?, sample.value));
            samples.of(&name, labels).filter_map(bound).collect()
        };
        let before = read(earlier);
        let since = |(bound, count): (f64, f64)| {
            let was = before.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
            (bound, if count >= was { count - was } else { count })
        };
        let mut buckets: Vec<_> = read(self).into_iter().map(since).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }

    /// Below what so many of the samples since `earlier` lie, as far as buckets tell.
    pub(super) fn quantile(
        &self,
        earlier: &Self,
        name: &str,
        labels: &[(&str, &str)],
        share: f64,
    ) -> Option<f64> {
        let buckets = self.buckets(earlier, name, labels);
        let all = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let wanted = all * share;
        let (mut below, mut from) = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= wanted {
                // Beyond the last bound there is nothing to say but that it is more.
                let reach = if bound.is_finite() { bound - from } else { 0.0 };
                return Some(from + reach * ((wanted - below) / (count - below).max(1e-9)));
            }
            (below, from) = (count, bound);
        }
        None
    }
}

impl Sample {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

fn sample(line: &str) -> Option<(String, Sample)> {
    if line.starts_with('#') {
        return None;
    }
    let name_ends = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_ends);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name.to_owned(), Sample { labels, value }))
}

/// `a="x",b="y"} 1`: the labels, and what comes after them.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, value) = rest.split_once("=\"")?;
        let mut text = String::new();
        let mut letters = value.char_indices();
        loop {
            match letters.next()? {
                (at, '"') => {
                    rest = &value[at + 1..];
                    break;
                }
                (_, '\\') => match letters.next()?.1 {
                    'n' => text.push('\n'),
                    letter => text.push(letter),
                },
                (_, letter) => text.push(letter),
            }
        }
        labels.push((name.to_owned(), text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "# HELP a b\n# TYPE a counter\na{x=\"1\",y=\"q\\\"u\\n\"} 2\na{x=\"2\"} 3\n\nb 4.5\nbroken{x=\n";

    #[test]
    fn series_are_found_by_their_labels_and_summed() {
        let samples = Samples::parse(PAGE);
        assert_eq!(samples.sum("a", &[]), Some(5.0));
        assert_eq!(samples.sum("a", &[("x", "2")]), Some(3.0));
        assert_eq!(samples.sum("a", &[("y", "q\"u\n")]), Some(2.0));
        assert_eq!(samples.sum("a", &[("x", "3")]), None);
        assert_eq!(samples.sum("b", &[]), Some(4.5));
    }

    fn histogram(counts: [u32; 4]) -> Samples {
        let bounds = ["0.1", "0.5", "1", "+Inf"];
        let lines = bounds.iter().zip(counts).map(|(le, n)| format!("h_bucket{{c=\"x\",le=\"{le}\"}} {n}\n"));
        Samples::parse(&lines.collect::<String>())
    }

    #[test]
    fn a_quantile_is_of_what_came_since_and_lies_inside_its_bucket() {
        let (before, now) = (histogram([100, 100, 100, 100]), histogram([100, 190, 200, 200]));
        let p95 = now.quantile(&before, "h", &[("c", "x")], 0.95).expect("there are samples");
        assert!((0.5..=1.0).contains(&p95), "{p95}");
        let half = now.quantile(&before, "h", &[], 0.5).expect("there are samples");
        assert!((0.1..0.5).contains(&half), "{half}");
        assert_eq!(now.quantile(&now, "h", &[], 0.95), None, "nothing came");
        let slow = histogram([0, 0, 0, 9]);
        assert_eq!(slow.quantile(&Samples::default(), "h", &[], 0.95), Some(1.0));
    }

    #[test]
    fn a_server_that_began_again_counts_from_nothing() {
        let p = histogram([1, 1, 1, 1]).quantile(&histogram([9, 9, 9, 9]), "h", &[], 0.95);
        assert!(p.is_some_and(|p| p <= 0.1), "{p:?}");
    }
}

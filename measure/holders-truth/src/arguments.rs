//! The arguments of the program.

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arguments {
    /// Scans in each of the two conditions.
    pub(crate) scans: u32,
    /// How large the heap is: 1 is about 800 MiB.
    pub(crate) scale: f64,
    pub(crate) quiet: bool,
    pub(crate) churn: bool,
    /// Only compares the names of types.
    pub(crate) names: bool,
    /// Where to write the last report.
    pub(crate) save: Option<String>,
}

pub(crate) const USAGE: &str =
    "usage: holders-truth [--scans N] [--scale X] [--quiet | --churn] [--save FILE] | --names";

/// Reads the arguments.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut parsed = Arguments { scans: 21, scale: 1.0, quiet: true, churn: true, names: false, save: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--scans" => parsed.scans = arguments.next()?.parse().ok().filter(|scans| *scans > 0)?,
            "--scale" => parsed.scale = arguments.next()?.parse().ok().filter(|scale| *scale > 0.0)?,
            "--quiet" => parsed.churn = false,
            "--churn" => parsed.quiet = false,
            "--names" => parsed.names = true,
            "--save" => parsed.save = Some(arguments.next()?),
            _ => return None,
        }
    }
    (parsed.quiet || parsed.churn).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let parse = |text: &str| parse(text.split_whitespace().map(str::to_owned));
        assert!(parse("").is_some_and(|parsed| parsed.quiet && parsed.churn && parsed.scans == 21));
        let parsed = parse("--scans 200 --churn --scale 0.5 --save a").unwrap();
        assert_eq!((parsed.scans, parsed.quiet, parsed.scale), (200, false, 0.5));
        for wrong in ["--scans", "--scans 0", "--scale -1", "--quiet --churn", "--save", "x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}

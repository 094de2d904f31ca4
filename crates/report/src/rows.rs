//! Which rows of a table are shown.

/// Keeps at most `top` of the rows one of whose names contains `filter`, literally. How many more there would be.
pub(crate) fn cut<R>(
    rows: &mut Vec<R>,
    top: usize,
    filter: Option<&str>,
    names: impl Fn(&R) -> [&str; 2],
) -> u64 {
    if let Some(filter) = filter {
        rows.retain(|row| names(row).iter().any(|name| name.contains(filter)));
    }
    let omitted = rows.len().saturating_sub(top);
    rows.truncate(top);
    omitted as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_filter_takes_out_is_not_omitted() {
        let mut rows = vec![["String", "alloc::string::String"], ["Session", "shop::Session"], ["u8", "u8"]];
        assert_eq!(cut(&mut rows, 1, Some("S"), |row| *row), 1);
        assert_eq!(rows, [["String", "alloc::string::String"]]);
        assert_eq!(cut(&mut rows, 9, Some("alloc::"), |row| *row), 0);
        assert_eq!(rows.len(), 1);
    }
}

//! Selects the rows of a table that are shown.

/// Keeps at most `top` rows with a name that contains `filter` literally. Returns the number of matching rows that
/// `top` omitted.
pub(crate) fn truncate_filtered<R>(
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
    fn filtered_rows_do_not_count_as_omitted() {
        let mut rows = vec![["String", "alloc::string::String"], ["Session", "shop::Session"], ["u8", "u8"]];
        assert_eq!(truncate_filtered(&mut rows, 1, Some("S"), |row| *row), 1);
        assert_eq!(rows, [["String", "alloc::string::String"]]);
        assert_eq!(truncate_filtered(&mut rows, 9, Some("alloc::"), |row| *row), 0);
        assert_eq!(rows.len(), 1);
    }
}

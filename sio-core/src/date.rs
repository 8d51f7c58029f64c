//! Dates as JavaScript writes them, in JSON and as text.

/// JavaScript's dates end this many milliseconds before and after 1970.
const MAX_MILLIS: i64 = 8_640_000_000_000_000;
const DAY: i64 = 86_400_000;

/// Appends a date, in milliseconds since 1970, as ISO 8601 in quotation marks; `null` beyond the range that
/// JavaScript has dates for.
#[cfg(feature = "msgpack")]
pub(crate) fn write_json(out: &mut String, millis: i64) {
    match iso(millis) {
        Some(date) => out.extend(["\"", &date, "\""]),
        None => out.push_str("null"),
    }
}

/// A date, in milliseconds since 1970, as ISO 8601 in UTC, the way JSON has them; `None` beyond the range that
/// JavaScript has dates for.
#[must_use]
pub fn iso(millis: i64) -> Option<String> {
    if !(-MAX_MILLIS..=MAX_MILLIS).contains(&millis) {
        return None;
    }
    let (day, time) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = civil(day);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    let (hour, minute) = (time / 3_600_000, time / 60_000 % 60);
    let (second, milli) = (time / 1000 % 60, time % 1000);
    Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"))
}

/// A date, in seconds since 1970, as JavaScript's `toString` where the time zone is UTC.
#[must_use]
pub fn text(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(i64::try_from(days).unwrap_or(i64::MAX / 1_000));
    let name = |names: &[&'static str], index: usize| names.get(index).copied().unwrap_or_default();
    let weekday = name(&DAYS, usize::try_from(days % 7).unwrap_or(0));
    let month = name(&MONTHS, usize::try_from(month - 1).unwrap_or(0));
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!(
        "{weekday} {month} {day:02} {year} {hour:02}:{minute:02}:{second:02} GMT+0000 \
         (Coordinated Universal Time)"
    )
}

/// Year, month and day of a number of days since 1970 in the Gregorian calendar.
///
/// Counted in eras of 400 years that begin on 1 March, so that a leap day is the last of its year.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_a_text() {
        assert_eq!(text(0), "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)");
        assert_eq!(
            text(951_827_696),
            "Tue Feb 29 2000 12:34:56 GMT+0000 (Coordinated Universal Time)"
        );
        assert!(text(u64::MAX).ends_with("Time)"));
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn dates_are_written_as_javascript_does() {
        for (millis, expected) in [
            (0, "\"1970-01-01T00:00:00.000Z\""),
            (-1, "\"1969-12-31T23:59:59.999Z\""),
            (951_827_696_789, "\"2000-02-29T12:34:56.789Z\""),
            (253_402_300_799_999, "\"9999-12-31T23:59:59.999Z\""),
            (253_402_300_800_000, "\"+010000-01-01T00:00:00.000Z\""),
            (-62_167_219_200_001, "\"-000001-12-31T23:59:59.999Z\""),
            (MAX_MILLIS, "\"+275760-09-13T00:00:00.000Z\""),
            (-MAX_MILLIS, "\"-271821-04-20T00:00:00.000Z\""),
            (MAX_MILLIS + 1, "null"),
            (i64::MIN, "null"),
        ] {
            let mut out = String::new();
            write_json(&mut out, millis);
            assert_eq!(out, expected, "{millis}");
        }
    }
}

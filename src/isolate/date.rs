//! Dates as text, without asking the guest.

use std::time::Duration;

/// A time in milliseconds since 1970 in ISO 8601, as `Date.prototype.toISOString` writes it, which the guest may
/// have replaced. `None` of an invalid date.
pub(super) fn iso_date(milliseconds: f64) -> Option<String> {
    if !milliseconds.is_finite() {
        return None;
    }
    let milliseconds = milliseconds as i64;
    let day_millis = Duration::from_secs(24 * 60 * 60).as_millis() as i64;
    let (days, time) = (milliseconds.div_euclid(day_millis), milliseconds.rem_euclid(day_millis));
    let (year, month, day) = civil_from_days(days);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
    let (hours, minutes) = (time / 3_600_000, time / 60_000 % 60);
    let (seconds, millis) = (time / 1000 % 60, time % 1000);
    Some(format!("{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z"))
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar (Howard Hinnant,
/// "chrono-compatible low-level date algorithms", `civil_from_days`).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_javascript_writes_them() {
        let date = |millis| iso_date(millis).unwrap();
        assert_eq!(date(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(date(951_782_400_123.0), "2000-02-29T00:00:00.123Z");
        assert_eq!(date(-1.0), "1969-12-31T23:59:59.999Z");
        assert_eq!(date(8.64e15), "+275760-09-13T00:00:00.000Z");
        assert_eq!(date(-8.64e15), "-271821-04-20T00:00:00.000Z");
        assert_eq!(iso_date(f64::NAN), None);
    }
}

//! Data types and their values: read from text, compared, written.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::civil::{Date, DateTime, Time};

/// The longest text of one value, in bytes; longer ones are refused, or Indeterminate where a
/// function makes them.
pub const LONGEST_VALUE: usize = 65_536;

pub(crate) const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;
// A million years: far beyond the calendar, and no sum of two of them overflows.
const LONGEST_DAYS: i128 = 366_000_000 * DAY;
const LONGEST_MONTHS: i64 = 12_000_000;

/// A data type of XACML 3.0.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "camelCase")]
pub enum DataType {
    /// Any text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits; XML Schema knows no bound.
    Integer,
    /// A double of IEEE 754.
    Double,
    /// A time of day, with or without a time zone.
    Time,
    /// A day of the years 1 to 9999, with or without a time zone.
    Date,
    /// A day and a time, with or without a time zone.
    DateTime,
    /// Days, hours, minutes and seconds.
    DayTimeDuration,
    /// Years and months.
    YearMonthDuration,
    /// A URI, compared character by character.
    #[strum(to_string = "anyURI")]
    AnyUri,
    /// Bytes, written as hexadecimal digits.
    HexBinary,
    /// Bytes, written in base64.
    Base64Binary,
    /// A mail address: the part before the `@` as written, the host without case.
    Rfc822Name,
    /// A distinguished name, compared without case and without the white space around its parts.
    X500Name,
    /// An IPv4 address or an IPv6 address in brackets, with an optional mask and an optional range
    /// of ports.
    IpAddress,
    /// A host name, with an optional `*.` before it and an optional range of ports, compared
    /// without case.
    DnsName,
}

impl DataType {
    /// Every data type that is offered.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The short name, which function names begin with: `string`, `dateTime`, `anyURI`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The identifier that `DataType` carries.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::String => "http://www.w3.org/2001/XMLSchema#string",
            Self::Boolean => "http://www.w3.org/2001/XMLSchema#boolean",
            Self::Integer => "http://www.w3.org/2001/XMLSchema#integer",
            Self::Double => "http://www.w3.org/2001/XMLSchema#double",
            Self::Time => "http://www.w3.org/2001/XMLSchema#time",
            Self::Date => "http://www.w3.org/2001/XMLSchema#date",
            Self::DateTime => "http://www.w3.org/2001/XMLSchema#dateTime",
            Self::DayTimeDuration => "http://www.w3.org/2001/XMLSchema#dayTimeDuration",
            Self::YearMonthDuration => "http://www.w3.org/2001/XMLSchema#yearMonthDuration",
            Self::AnyUri => "http://www.w3.org/2001/XMLSchema#anyURI",
            Self::HexBinary => "http://www.w3.org/2001/XMLSchema#hexBinary",
            Self::Base64Binary => "http://www.w3.org/2001/XMLSchema#base64Binary",
            Self::Rfc822Name => "urn:oasis:names:tc:xacml:1.0:data-type:rfc822Name",
            Self::X500Name => "urn:oasis:names:tc:xacml:1.0:data-type:x500Name",
            Self::IpAddress => "urn:oasis:names:tc:xacml:2.0:data-type:ipAddress",
            Self::DnsName => "urn:oasis:names:tc:xacml:2.0:data-type:dnsName",
        }
    }

    /// The data type of an identifier, also of the two older ones that each duration had. `None`
    /// for any other.
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        match uri {
            "urn:oasis:names:tc:xacml:2.0:data-type:dayTimeDuration"
            | "http://www.w3.org/TR/2002/WD-xquery-operators-20020816#dayTimeDuration" => {
                Some(Self::DayTimeDuration)
            }
            "urn:oasis:names:tc:xacml:2.0:data-type:yearMonthDuration"
            | "http://www.w3.org/TR/2002/WD-xquery-operators-20020816#yearMonthDuration" => {
                Some(Self::YearMonthDuration)
            }
            _ => Self::ALL
                .iter()
                .copied()
                .find(|data_type| data_type.uri() == uri),
        }
    }
}

/// One value of one data type.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(pub(crate) Raw);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    String(String),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    // The second is the offset from UTC in seconds, where one was written.
    Time(Time, Option<i32>),
    Date(Date, Option<i32>),
    DateTime(DateTime, Option<i32>),
    // Nanoseconds.
    Days(i128),
    Months(i64),
    AnyUri(String),
    Hex(Vec<u8>),
    Base64(Vec<u8>),
    Mail {
        local: String,
        host: String,
    },
    // As written, and as compared: most special part first, as it was written.
    X500(String, Vec<Vec<(String, String)>>),
    Ip {
        text: String,
        address: IpAddr,
        mask: Option<IpAddr>,
        ports: Ports,
    },
    Dns {
        text: String,
        host: String,
        ports: Ports,
    },
}

// The first and the last port, each where it was written.
type Ports = Option<(Option<u16>, Option<u16>)>;

impl Value {
    /// A `string`.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self(Raw::String(text.into()))
    }

    /// A `boolean`.
    #[must_use]
    pub const fn boolean(flag: bool) -> Self {
        Self(Raw::Boolean(flag))
    }

    /// An `integer`.
    #[must_use]
    pub const fn integer(number: i64) -> Self {
        Self(Raw::Integer(number))
    }

    /// Reads a value as an `AttributeValue` writes it. White space around it counts for `string`
    /// only.
    ///
    /// # Errors
    /// A sentence that says what the data type wants.
    pub fn parse(data_type: DataType, text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_VALUE {
            return Err(format!("A value is longer than {LONGEST_VALUE} bytes."));
        }
        if data_type == DataType::String {
            return Ok(Self(Raw::String(text.to_owned())));
        }
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let raw = match data_type {
            DataType::String => None,
            DataType::Boolean => match text {
                "true" | "1" => Some(Raw::Boolean(true)),
                "false" | "0" => Some(Raw::Boolean(false)),
                _ => None,
            },
            DataType::Integer => text.parse().ok().map(Raw::Integer),
            DataType::Double => double(text).map(Raw::Double),
            DataType::Time => {
                zoned(text).and_then(|(text, zone)| Some(Raw::Time(time(text)?.0, zone)))
            }
            DataType::Date => {
                zoned(text).and_then(|(text, zone)| Some(Raw::Date(date(text)?, zone)))
            }
            DataType::DateTime => {
                zoned(text).and_then(|(text, zone)| Some(Raw::DateTime(date_time(text)?, zone)))
            }
            DataType::DayTimeDuration => days(text).map(Raw::Days),
            DataType::YearMonthDuration => months(text).map(Raw::Months),
            DataType::AnyUri => (!text.contains(|c: char| c.is_whitespace() || c.is_control()))
                .then(|| Raw::AnyUri(text.to_owned())),
            DataType::HexBinary => data_encoding::HEXUPPER_PERMISSIVE
                .decode(text.as_bytes())
                .ok()
                .map(Raw::Hex),
            DataType::Base64Binary => {
                let packed: String = text.split([' ', '\t', '\r', '\n']).collect();
                data_encoding::BASE64
                    .decode(packed.as_bytes())
                    .ok()
                    .map(Raw::Base64)
            }
            DataType::Rfc822Name => mail(text),
            DataType::X500Name => {
                distinguished(text).map(|parts| Raw::X500(text.to_owned(), parts))
            }
            DataType::IpAddress => ip(text),
            DataType::DnsName => dns(text),
        };
        raw.map(Self).ok_or_else(|| {
            format!(
                "{:?} is no {}: {}.",
                shortened(text),
                data_type.name(),
                wanted(data_type)
            )
        })
    }

    /// The data type of this value.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        match self.0 {
            Raw::String(_) => DataType::String,
            Raw::Boolean(_) => DataType::Boolean,
            Raw::Integer(_) => DataType::Integer,
            Raw::Double(_) => DataType::Double,
            Raw::Time(..) => DataType::Time,
            Raw::Date(..) => DataType::Date,
            Raw::DateTime(..) => DataType::DateTime,
            Raw::Days(_) => DataType::DayTimeDuration,
            Raw::Months(_) => DataType::YearMonthDuration,
            Raw::AnyUri(_) => DataType::AnyUri,
            Raw::Hex(_) => DataType::HexBinary,
            Raw::Base64(_) => DataType::Base64Binary,
            Raw::Mail { .. } => DataType::Rfc822Name,
            Raw::X500(..) => DataType::X500Name,
            Raw::Ip { .. } => DataType::IpAddress,
            Raw::Dns { .. } => DataType::DnsName,
        }
    }

    /// The value as text, which [`Value::parse`] reads back.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.0 {
            Raw::String(text)
            | Raw::AnyUri(text)
            | Raw::X500(text, _)
            | Raw::Ip { text, .. }
            | Raw::Dns { text, .. } => text.clone(),
            Raw::Boolean(flag) => flag.to_string(),
            Raw::Integer(number) => number.to_string(),
            Raw::Double(number) => double_text(*number),
            Raw::Time(time, zone) => format!("{time}{}", zone_text(*zone)),
            Raw::Date(date, zone) => format!("{date}{}", zone_text(*zone)),
            Raw::DateTime(moment, zone) => format!("{moment}{}", zone_text(*zone)),
            Raw::Days(nanoseconds) => days_text(*nanoseconds),
            Raw::Months(months) => months_text(*months),
            Raw::Hex(bytes) => data_encoding::HEXUPPER.encode(bytes),
            Raw::Base64(bytes) => data_encoding::BASE64.encode(bytes),
            Raw::Mail { local, host } => format!("{local}@{host}"),
        }
    }

    // What copying or looking through the value costs, in the unit of an evaluation.
    pub(crate) fn weight(&self) -> u64 {
        let bytes = match &self.0 {
            Raw::String(text) | Raw::AnyUri(text) | Raw::X500(text, _) | Raw::Dns { text, .. } => {
                text.len()
            }
            Raw::Hex(bytes) | Raw::Base64(bytes) => bytes.len(),
            Raw::Mail { local, host } => local.len() + host.len(),
            _ => 0,
        };
        1 + bytes as u64 / 16
    }

    /// Whether two values of one data type are equal; `zone` is the offset of those that were
    /// written without one.
    pub(crate) fn same(&self, other: &Self, zone: i32) -> bool {
        match (&self.0, &other.0) {
            (Raw::Time(..) | Raw::Date(..) | Raw::DateTime(..), _) => {
                self.order(other, zone) == Some(Ordering::Equal)
            }
            (Raw::X500(_, one), Raw::X500(_, other)) => one == other,
            (
                Raw::Ip {
                    address,
                    mask,
                    ports,
                    ..
                },
                Raw::Ip {
                    address: address2,
                    mask: mask2,
                    ports: ports2,
                    ..
                },
            ) => (address, mask, ports) == (address2, mask2, ports2),
            (
                Raw::Dns { host, ports, .. },
                Raw::Dns {
                    host: host2,
                    ports: ports2,
                    ..
                },
            ) => (host, ports) == (host2, ports2),
            (one, other) => one == other,
        }
    }

    /// The order of two values of one data type, where it has one.
    pub(crate) fn order(&self, other: &Self, zone: i32) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Raw::String(one), Raw::String(other)) => Some(one.cmp(other)),
            (Raw::Integer(one), Raw::Integer(other)) => Some(one.cmp(other)),
            (Raw::Double(one), Raw::Double(other)) => one.partial_cmp(other),
            _ => match (self.instant(zone), other.instant(zone)) {
                (Some(before), Some(after)) if self.data_type() == other.data_type() => {
                    Some(before.cmp(&after))
                }
                _ => None,
            },
        }
    }

    // Nanoseconds from a fixed moment. Times of day are not wrapped: 00:30+01:00 comes before
    // 23:45Z, as on one day.
    pub(crate) fn instant(&self, zone: i32) -> Option<i128> {
        let (days, time, offset) = match self.0 {
            Raw::Time(time, offset) => (0, time, offset),
            Raw::Date(date, offset) => (day_number(date), Time::midnight(), offset),
            Raw::DateTime(moment, offset) => (day_number(moment.date()), moment.time(), offset),
            _ => return None,
        };
        Some(
            i128::from(days) * DAY + since_midnight(time)
                - i128::from(offset.unwrap_or(zone)) * SECOND,
        )
    }
}

pub(crate) fn since_midnight(time: Time) -> i128 {
    let seconds =
        i128::from(time.hour()) * 3600 + i128::from(time.minute()) * 60 + i128::from(time.second());
    seconds * SECOND + i128::from(time.subsec_nanosecond())
}

// The proleptic Gregorian calendar, counted from the first of March of the year 0 so that leap days
// come last.
fn day_number(date: Date) -> i64 {
    let (year, month) = if date.month() > 2 {
        (i64::from(date.year()), i64::from(date.month()) - 3)
    } else {
        (i64::from(date.year()) - 1, i64::from(date.month()) + 9)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + i64::from(date.day())
}

/// The beginning of a text that a message repeats.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}

const fn wanted(data_type: DataType) -> &'static str {
    match data_type {
        DataType::String => "any text",
        DataType::Boolean => "true, false, 1 or 0",
        DataType::Integer => "digits with an optional sign, at most 9223372036854775807",
        DataType::Double => "a number such as 1.5 or 2E-3, INF, -INF or NaN",
        DataType::Time => "hh:mm:ss, with an optional fraction and an optional Z or ±hh:mm",
        DataType::Date => "yyyy-mm-dd, with an optional Z or ±hh:mm, of the years 1 to 9999",
        DataType::DateTime => {
            "yyyy-mm-ddThh:mm:ss, with an optional fraction and an optional Z or ±hh:mm, of the \
            years 1 to 9999"
        }
        DataType::DayTimeDuration => "a duration such as P1DT2H30M, of at most a million years",
        DataType::YearMonthDuration => "a duration such as P1Y6M, of at most a million years",
        DataType::AnyUri => "a URI holds no white space",
        DataType::HexBinary => "an even number of hexadecimal digits",
        DataType::Base64Binary => "base64 with its padding",
        DataType::Rfc822Name => "a mail address such as ann@example.com",
        DataType::X500Name => "a name such as cn=Ann,o=Example,c=US",
        DataType::IpAddress => {
            "an address such as 10.0.0.1, 10.0.0.0/255.0.0.0, 10.0.0.1:80-443 or [2001:db8::1]"
        }
        DataType::DnsName => "a host name such as example.com, *.example.com or example.com:80-443",
    }
}

fn double(text: &str) -> Option<f64> {
    match text {
        "INF" => return Some(f64::INFINITY),
        "-INF" => return Some(f64::NEG_INFINITY),
        "NaN" => return Some(f64::NAN),
        _ => {}
    }
    // The standard library also reads words; what is left after this is digits, signs, a point and
    // an exponent.
    if !text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'))
    {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "INF" } else { "-INF" }.to_owned();
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

fn number(text: &str, digits: usize) -> Option<i32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn zoned(text: &str) -> Option<(&str, Option<i32>)> {
    if !text.is_ascii() {
        return None;
    }
    if let Some(text) = text.strip_suffix('Z') {
        return Some((text, Some(0)));
    }
    let Some((front, zone)) = text.len().checked_sub(6).map(|at| text.split_at(at)) else {
        return Some((text, None));
    };
    let sign = match zone.as_bytes() {
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return Some((text, None)),
    };
    let (hours, minutes) = (number(&zone[1..3], 2)?, number(&zone[4..], 2)?);
    (minutes < 60 && hours * 60 + minutes <= 14 * 60)
        .then_some((front, Some(sign * (hours * 60 + minutes) * 60)))
}

fn zone_text(zone: Option<i32>) -> String {
    match zone {
        None => String::new(),
        Some(0) => "Z".to_owned(),
        Some(seconds) => {
            let minutes = seconds.abs() / 60;
            format!(
                "{}{:02}:{:02}",
                if seconds < 0 { '-' } else { '+' },
                minutes / 60,
                minutes % 60
            )
        }
    }
}

fn date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let year = number(year, 4).filter(|year| *year > 0)?;
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(number(month, 2)?).ok()?,
        i8::try_from(number(day, 2)?).ok()?,
    )
    .ok()
}

// The flag: 24:00:00 was written, the midnight that ends the day.
fn time(text: &str) -> Option<(Time, bool)> {
    let (clock, fraction) = text
        .split_once('.')
        .map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let nanosecond = match fraction {
        None => 0,
        Some(digits) => {
            number(digits, digits.len()).filter(|_| (1..=9).contains(&digits.len()))?
                * 10_i32.pow(9 - u32::try_from(digits.len()).ok()?)
        }
    };
    if hour == 24 {
        return (minute == 0 && second == 0 && nanosecond == 0).then_some((Time::midnight(), true));
    }
    // The calendar takes a leap second for the one before it; XML Schema has none.
    (second < 60).then_some(())?;
    Some((
        Time::new(
            i8::try_from(hour).ok()?,
            i8::try_from(minute).ok()?,
            i8::try_from(second).ok()?,
            nanosecond,
        )
        .ok()?,
        false,
    ))
}

fn date_time(text: &str) -> Option<DateTime> {
    let (day, clock) = text.split_once('T')?;
    let (time, next) = time(clock)?;
    let day = date(day)?;
    let day = if next { day.tomorrow().ok()? } else { day };
    Some(DateTime::from_parts(day, time))
}

// Reads digits up to one of the letters, each at most once and in their order.
fn fields<'a>(text: &'a str, letters: &[char]) -> Option<Vec<Option<&'a str>>> {
    let (mut rest, mut found) = (text, Vec::with_capacity(letters.len()));
    for letter in letters {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        if end > 0 && rest[end..].starts_with(*letter) {
            found.push(Some(&rest[..end]));
            rest = &rest[end + letter.len_utf8()..];
        } else {
            found.push(None);
        }
    }
    rest.is_empty().then_some(found)
}

fn signed(text: &str) -> Option<(bool, &str)> {
    let (negative, rest) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    Some((negative, rest.strip_prefix('P')?))
}

fn days(text: &str) -> Option<i128> {
    let (negative, rest) = signed(text)?;
    let (date, clock) = rest
        .split_once('T')
        .map_or((rest, None), |(date, clock)| (date, Some(clock)));
    let date = fields(date, &['D'])?;
    let clock = match clock {
        None => vec![None; 3],
        // A T that nothing follows is not written.
        Some(clock) => {
            fields(clock, &['H', 'M', 'S']).filter(|found| found.iter().any(Option::is_some))?
        }
    };
    let parts = [(date[0], 86_400), (clock[0], 3600), (clock[1], 60)];
    if date[0].is_none() && clock.iter().all(Option::is_none) {
        return None;
    }
    let mut total = 0_i128;
    for (digits, seconds) in parts {
        if let Some(digits) = digits {
            total = total.checked_add(
                digits
                    .parse::<u64>()
                    .ok()
                    .map(i128::from)?
                    .checked_mul(seconds * SECOND)?,
            )?;
        }
    }
    if let Some(seconds) = clock[2] {
        let (whole, fraction) = seconds
            .split_once('.')
            .map_or((seconds, "0"), |(whole, fraction)| (whole, fraction));
        let nanoseconds =
            number(fraction, fraction.len()).filter(|_| (1..=9).contains(&fraction.len()))?;
        total = total.checked_add(
            whole
                .parse::<u64>()
                .ok()
                .map(i128::from)?
                .checked_mul(SECOND)?,
        )?;
        total += i128::from(nanoseconds) * 10_i128.pow(9 - u32::try_from(fraction.len()).ok()?);
    }
    (total <= LONGEST_DAYS).then_some(if negative { -total } else { total })
}

fn days_text(nanoseconds: i128) -> String {
    if nanoseconds == 0 {
        return "PT0S".to_owned();
    }
    let rest = nanoseconds.abs();
    let (days, clock) = (rest / DAY, rest % DAY);
    let (hours, minutes, seconds, fraction) = (
        clock / (3600 * SECOND),
        clock / (60 * SECOND) % 60,
        clock / SECOND % 60,
        clock % SECOND,
    );
    let mut text = format!("{}P", if nanoseconds < 0 { "-" } else { "" });
    if days > 0 {
        text += &format!("{days}D");
    }
    if clock > 0 {
        text.push('T');
    }
    if hours > 0 {
        text += &format!("{hours}H");
    }
    if minutes > 0 {
        text += &format!("{minutes}M");
    }
    if fraction > 0 {
        text += format!("{seconds}.{fraction:09}").trim_end_matches('0');
        text.push('S');
    } else if seconds > 0 {
        text += &format!("{seconds}S");
    }
    text
}

fn months(text: &str) -> Option<i64> {
    let (negative, rest) = signed(text)?;
    let found = fields(rest, &['Y', 'M'])?;
    if found.iter().all(Option::is_none) {
        return None;
    }
    let part = |digits: Option<&str>| {
        digits.map_or(Some(0), |digits| digits.parse::<u32>().ok().map(i64::from))
    };
    let total = part(found[0])? * 12 + part(found[1])?;
    (total <= LONGEST_MONTHS).then_some(if negative { -total } else { total })
}

fn months_text(months: i64) -> String {
    let (sign, rest) = (if months < 0 { "-" } else { "" }, months.abs());
    match (rest / 12, rest % 12) {
        (0, months) => format!("{sign}P{months}M"),
        (years, 0) => format!("{sign}P{years}Y"),
        (years, months) => format!("{sign}P{years}Y{months}M"),
    }
}

fn mail(text: &str) -> Option<Raw> {
    let (local, host) = text.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    // A second @ is only possible inside quotes, which no address here needs.
    (plain(local) && plain(host) && !local.contains('@')).then(|| Raw::Mail {
        local: local.to_owned(),
        host: host.to_lowercase(),
    })
}

// RFC 2253 as far as comparing needs it: parts by `,` or `;`, several attributes of one part by
// `+`, a backslash before what is meant literally. Hexadecimal values (`#…`) are compared as text.
fn distinguished(text: &str) -> Option<Vec<Vec<(String, String)>>> {
    let (mut parts, mut part, mut piece, mut escaped) =
        (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars().chain([',']) {
        match c {
            _ if escaped => {
                piece.extend(['\\', c]);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return None,
            ',' | ';' | '+' => {
                let (key, value) = piece.split_once('=')?;
                let value = value
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .to_lowercase();
                let key = key.trim().to_lowercase();
                if key.is_empty() || value.is_empty() {
                    return None;
                }
                part.push((key, value));
                piece.clear();
                if c != '+' {
                    part.sort();
                    parts.push(std::mem::take(&mut part));
                }
            }
            _ => piece.push(c),
        }
    }
    (!escaped && piece.is_empty()).then_some(parts)
}

fn ip(text: &str) -> Option<Raw> {
    let bracketed = |text: &str| -> Option<(IpAddr, usize)> {
        let end = text.find(']')?;
        Some((
            IpAddr::V6(text.strip_prefix('[')?.get(..end - 1)?.parse().ok()?),
            end + 1,
        ))
    };
    let plain = |text: &str| -> Option<(IpAddr, usize)> {
        let end = text.find(['/', ':']).unwrap_or(text.len());
        Some((IpAddr::V4(text[..end].parse().ok()?), end))
    };
    let six = text.starts_with('[');
    let one = |text: &str| if six { bracketed(text) } else { plain(text) };
    let (address, end) = one(text)?;
    let mut rest = &text[end..];
    let mut mask = None;
    if let Some(after) = rest.strip_prefix('/') {
        let (found, end) = one(after)?;
        mask = Some(found);
        rest = &after[end..];
    }
    let ports = ports(rest)?;
    Some(Raw::Ip {
        text: text.to_owned(),
        address,
        mask,
        ports,
    })
}

// Nothing, or a colon and one port or a range that may be open at one end.
fn ports(text: &str) -> Option<Ports> {
    let Some(range) = text.strip_prefix(':') else {
        return text.is_empty().then_some(None);
    };
    let port = |text: &str| -> Option<Option<u16>> {
        if text.is_empty() {
            Some(None)
        } else {
            text.parse().ok().map(Some)
        }
    };
    let (from, to) = match range.split_once('-') {
        Some((from, to)) => (port(from)?, port(to)?),
        None => (port(range)?, port(range)?),
    };
    (from.is_some() || to.is_some()).then_some(Some((from, to)))
}

fn dns(text: &str) -> Option<Raw> {
    let end = text.find(':').unwrap_or(text.len());
    let (host, range) = text.split_at(end);
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.strip_prefix("*.")
        .unwrap_or(host)
        .split('.')
        .all(label)
        .then_some(())?;
    Some(Raw::Dns {
        text: text.to_owned(),
        host: host.to_ascii_lowercase(),
        ports: ports(range)?,
    })
}

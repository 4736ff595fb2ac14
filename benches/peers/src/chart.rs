//! A bar chart as SVG: lying bars from zero, each with its label and its value in words.

use std::fmt::Write as _;

use crate::report::three_digits;

pub(crate) struct Bar<'a> {
    pub(crate) label: &'a str,
    pub(crate) value: f64,
}

const WIDTH: f64 = 760.0;
/// Where the bars begin: the labels stand to the left of it.
const LEFT: f64 = 270.0;
/// Room for the value to the right of the longest bar.
const RIGHT: f64 = 90.0;
const TOP: f64 = 48.0;
const STEP: f64 = 30.0;
const THICK: f64 = 20.0;

/// Bars of this crate, of which there are always some, in a colour of their own.
fn colour(label: &str) -> &'static str {
    if label.starts_with("Plugin") || label.contains("sandbox") { "#1f6feb" } else { "#8c959f" }
}

/// Readable on light and dark pages, as it brings its own background.
pub(crate) fn chart(title: &str, unit: &str, bars: &[Bar<'_>]) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let height = TOP + STEP * bars.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2328\">{title} \
         ({unit}, less is better)</text>\n"
    );
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + STEP * index as f64;
        let length = (bar.value / longest * (WIDTH - LEFT - RIGHT)).max(1.0);
        let text = y + THICK * 0.72;
        let label = bar.label.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{text:.1}\" text-anchor=\"end\" fill=\"#1f2328\">{label}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{THICK}\" rx=\"2\" \
             fill=\"{}\"/>\n\
             <text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#1f2328\">{} {unit}</text>",
            LEFT - 10.0,
            colour(bar.label),
            LEFT + length + 6.0,
            three_digits(bar.value),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

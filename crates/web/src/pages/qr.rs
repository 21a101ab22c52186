//! QR codes as paths.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder};

/// Light modules around a code, which readers need.
const MARGIN: usize = 4;

/// A QR code.
pub(super) struct Drawing {
    /// Its width and height, with the margin.
    pub(super) size: usize,
    /// Its dark modules, as the path of an SVG image.
    pub(super) path: String,
}

/// Draws a text; `None` if it is too long.
pub(super) fn draw(text: &str) -> Option<Drawing> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    let mut path = String::new();
    for row in 0..code.size {
        let modules = &code[row];
        let mut column = 0;
        while column < code.size {
            let dark = modules.iter().skip(column).take_while(|module| module.value()).count();
            if dark > 0 {
                let (x, y) = (column + MARGIN, row + MARGIN);
                let _ = write!(path, "M{x} {y}h{dark}v1h-{dark}z");
            }
            column += dark + 1;
        }
    }
    Some(Drawing { size: code.size + 2 * MARGIN, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finder_patterns_stand_in_three_corners() {
        let code = draw("otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQ&issuer=a").unwrap();
        let end = code.size - MARGIN - 7;
        for start in
            ["M4 4h7v1h-7z".to_owned(), format!("M{end} 4h7v1h-7z"), format!("M4 {end}h7v1h-7z")]
        {
            assert!(code.path.contains(&start), "{start}");
        }
        assert!(!code.path.contains(&format!("M{end} {end}h7v1h-7z")));
    }

    #[test]
    fn what_fits_into_no_code_is_not_drawn() {
        assert!(draw(&"x".repeat(5_000)).is_none());
    }
}

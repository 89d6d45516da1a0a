//! Phone numbers as they are kept and compared (core-server.md 8.3). Whether there is such a number is the application's affair.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::email::trimmed;

/// The one spelling under which a number is stored and looked up: E.164, if the text is a number with its country; else the text itself,
/// trimmed. An extension is left out.
pub fn normalised(text: &str) -> String {
    let text = trimmed(text);
    match PHONE_NUMBER_UTIL.parse(text, None) {
        Ok(number) => without_former_prefix(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned()),
        Err(_) => text.to_owned(),
    }
}

/// Mexico had a 1 in front of numbers of mobile phones until 2019. Our tables of numbers do not know it any more, upstream's do, and leave
/// it out: somebody who still writes it is found.
fn without_former_prefix(number: String) -> String {
    match number.strip_prefix("+521") {
        Some(rest) if rest.len() == 10 => format!("+52{rest}"),
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/phone_numbers.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 36);
        for case in cases {
            let kept = normalised(vectors::text(case, "in"));
            assert_eq!(kept, vectors::text(case, "out"), "{case:?}");
            assert_eq!(normalised(&kept), kept, "normalising twice changes nothing");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", number in "\\+?[0-9 ().;=a-z-]{0,300}") {
            let _ = (normalised(&text), normalised(&number));
        }
    }
}

use proptest::prelude::*;

use super::*;

/// Start, end and text of each cue, and the remarks as a person reads them.
fn told(text: &[u8], format: CaptionFormat) -> (Vec<(i64, i64, String)>, String) {
    match read(text, &format) {
        Ok(Transcript { cues, remarks }) => {
            (cues.into_iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text)).collect(), remarks.to_string())
        }
        Err(error) => (Vec::new(), error.to_string()),
    }
}

fn cues(text: &str, format: CaptionFormat) -> Vec<(i64, i64, String)> {
    let (cues, remarks) = told(text.as_bytes(), format);
    assert_eq!(remarks, "", "{text}");
    cues
}

fn said(cues: &[(i64, i64, &str)]) -> Vec<(i64, i64, String)> {
    cues.iter().map(|(start, end, text)| (*start, *end, (*text).to_owned())).collect()
}

#[test]
fn subrip_is_read_as_people_write_it() {
    let plain = "1\n00:00:01,000 --> 00:00:03,500\nWelcome to the course.\n\n2\n00:00:04,000 --> 00:00:07,250\nToday: cafés, 東京 & <i>maps</i>\n";
    let expected = said(&[(1000, 3500, "Welcome to the course."), (4000, 7250, "Today: cafés, 東京 & maps")]);
    assert_eq!(cues(plain, CaptionFormat::Srt), expected);
    for (written, why) in [
        (plain.replace('\n', "\r\n"), "from Windows"),
        (plain.replace('\n', "\r"), "from an old Macintosh"),
        (plain.replace(',', ".").replace("Today: cafés.", "Today: cafés,"), "with points"),
        (format!("\u{feff}{plain}"), "with a mark"),
        (format!("\n\n  \n{plain}\n\n\n"), "with empty lines around"),
        (plain.replace(" --> ", "-->"), "without spaces"),
        (plain.replace("\n\n", "\n"), "without empty lines"),
        (plain.replace("1\n00", "00").replace("2\n00", "00"), "without numbers"),
        (plain.replace("03,500", "03,500  X1:40 X2:600 Y1:20 Y2:50"), "with places"),
        (plain.replace("00:00:0", "0:0:"), "with short times"),
    ] {
        assert_eq!(cues(&written, CaptionFormat::Srt), expected, "{why}");
    }
}

#[test]
fn a_number_that_is_spoken_is_no_number_of_a_cue() {
    let text = "1\n00:00:01,000 --> 00:00:02,000\nIn the year\n1984\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n";
    assert_eq!(cues(text, CaptionFormat::Srt), said(&[(1000, 2000, "In the year\n1984"), (3000, 4000, "42")]));
}

#[test]
fn webvtt_is_read_without_its_notes_names_and_styles() {
    let text = "WEBVTT - a title with arrows left out\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n\
                NOTE a --> in a note\nis no cue\n\nintro\n00:01.000 --> 00:03.500 align:start position:10%\n<v Anna>Welcome\nto the <b>course</b>.\n\n\
                01:00:00.000 --> 01:00:01.000\n&lt;end&gt;\n";
    let expected = said(&[(1000, 3500, "Welcome\nto the course."), (3_600_000, 3_601_000, "<end>")]);
    assert_eq!(cues(text, CaptionFormat::WebVtt), expected);
}

#[test]
fn dfxp_is_read_with_every_way_to_tell_the_time() {
    let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" xml:lang="en">
<tt:head><tt:metadata><title>Not spoken</title></tt:metadata></tt:head>
<tt:body><tt:div>
 <tt:p begin="00:00:01.000" end="00:00:03.500">Welcome
   to the <tt:span style="x">course</tt:span>.<tt:br/>Today: Q&amp;A &#233;<metadata>no</metadata></tt:p>
 <tt:p begin="4s" dur="500ms"/>
 <tt:p begin="4s" dur="500ms"><![CDATA[a < b]]></tt:p>
 <tt:p begin="00:00:06:05" end="00:00:07:00">frames</tt:p>
</tt:div><tt:div begin="10s"><tt:p begin="1s" end="2s">later</tt:p>
 <tt:p><tt:span begin="3s" end="4s">word</tt:span> <tt:span begin="4s" end="5s">by word</tt:span></tt:p></tt:div></tt:body></tt:tt>"#;
    let expected = said(&[
        (1000, 3500, "Welcome to the course.\nToday: Q&A é"),
        (4000, 4500, "a < b"),
        (6200, 7000, "frames"),
        (11_000, 12_000, "later"),
        (13_000, 14_000, "word"),
        (14_000, 15_000, "by word"),
    ]);
    assert_eq!(cues(text, CaptionFormat::Dfxp), expected);
}

#[test]
fn a_bad_cue_is_left_out_and_told_of_and_the_others_are_read() {
    let (cues, remarks) = told(
        b"1\n00:00:01,000 --> 00:00:02,000\none\n\n2\n00:00:xx --> 00:00:04,000\ntwo\n\n3\n00:00:09,000 --> 00:00:05,000\nthree\n\n4\n00:00:03,000 -->\nfour\n",
        CaptionFormat::Srt,
    );
    assert_eq!(cues, said(&[(1000, 2000, "one"), (9000, 9000, "three")]));
    assert_eq!(remarks, "2 cues left out; 1 cue mended; first at line 6: times that cannot be read");
}

#[test]
fn a_document_that_breaks_off_is_read_up_to_there() {
    let (cues, remarks) = told(
        b"<tt><body><div>\n<p begin=\"1s\" end=\"2s\">one</p>\n<p begin=\"x\" end=\"2s\">lost</p>\n<p begin=\"3s\" end=\"4s\">tw",
        CaptionFormat::Dfxp,
    );
    assert_eq!(cues, said(&[(1000, 2000, "one")]));
    assert_eq!(remarks, "2 cues left out; first at line 3: times that cannot be read");
}

#[test]
fn what_a_file_is_written_in_is_seen_from_the_file() {
    let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\none\n";
    let (cues, remarks) = told(vtt.as_bytes(), CaptionFormat::Srt);
    assert_eq!((cues.len(), remarks.as_str()), (1, "it is WebVTT, whatever its track says"));
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(vtt.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let (cues, remarks) = told(&utf16, CaptionFormat::WebVtt);
    assert_eq!((cues.len(), remarks.as_str()), (1, "read as UTF-16"));
    let (cues, remarks) = told(b"1\n00:00:01,000 --> 00:00:02,000\nCaf\xe9\n", CaptionFormat::Srt);
    assert_eq!((cues, remarks.as_str()), (said(&[(1000, 2000, "Café")]), "read as Latin-1"));
}

#[test]
fn what_says_nothing_is_told_as_what_it_is() {
    for (file, told_as) in [
        (&b""[..], "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        (b"<html><body>404</body></html>", "the file is neither SRT nor WebVTT nor DFXP"),
        (b"{\"code\":\"X\"}", "the file is neither SRT nor WebVTT nor DFXP"),
        (b"\x00\x01\x02\x03", "the file is neither SRT nor WebVTT nor DFXP"),
        (b"WEBVTT\n", "the file has no cue that can be read: "),
        (b"<tt/>", "the file has no cue that can be read: "),
        (
            b"a --> b\nx\n",
            "the file has no cue that can be read: 1 cue left out; first at line 1: times that cannot be read",
        ),
    ] {
        let format = if file.starts_with(b"W") { CaptionFormat::WebVtt } else { CaptionFormat::Srt };
        let format = if file.starts_with(b"<tt") { CaptionFormat::Dfxp } else { format };
        assert_eq!(told(file, format).1, told_as);
    }
}

#[test]
fn no_file_has_cues_without_end() {
    let many = "00:01.000 --> 00:02.000\nx\n\n".repeat(CUES_MAX + 10);
    let Transcript { cues, remarks } = read(many.as_bytes(), &CaptionFormat::Srt).unwrap();
    assert_eq!(cues.len(), CUES_MAX);
    assert!(remarks.to_string().ends_with("too many cues"), "{remarks}");
    let deep = format!("<tt>{}", "<div>".repeat(100_000));
    assert!(matches!(read(deep.as_bytes(), &CaptionFormat::Dfxp), Err(Unreadable::NoCues(_))));
}

/// Bytes that are nearly captions.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("WEBVTT\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\r".to_owned()),
        Just(" --> ".to_owned()),
        Just("<tt><body><div>".to_owned()),
        Just("<p begin=\"1s\" end=\"2s\">".to_owned()),
        Just("<p begin='9s' dur='1t'>".to_owned()),
        Just("</p>".to_owned()),
        Just("</div></body></tt>".to_owned()),
        Just("<br/>".to_owned()),
        Just("&amp;&#x41;&".to_owned()),
        Just("NOTE\n".to_owned()),
        (0..400_i64, 0..99_i64, 0..1200_i64).prop_map(|(h, m, ms)| format!("{h}:{m}:00,{ms} --> {m}:{h:02}.{ms}\n")),
        "\\PC{0,12}",
    ];
    let pieces = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes());
    let utf16 = pieces.clone().prop_map(|bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
    });
    prop_oneof![4 => pieces, 1 => utf16, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #[test]
    fn whatever_the_bytes_are_cues_are_in_order_and_say_something(bytes in nearly(), format in 0..5_usize) {
        let format = [CaptionFormat::Srt, CaptionFormat::Dfxp, CaptionFormat::WebVtt, CaptionFormat::Cap, CaptionFormat::Scc]
            [format].clone();
        if let Ok(Transcript { cues, .. }) = read(&bytes, &format) {
            prop_assert!(!cues.is_empty());
            prop_assert!(cues.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms));
            for cue in &cues {
                prop_assert!(0 <= cue.start_ms && cue.start_ms <= cue.end_ms, "{cue:?}");
                prop_assert!(!cue.text.trim().is_empty() && cue.text.chars().count() <= plain::TEXT_MAX);
                prop_assert!(!cue.text.chars().any(|letter| letter.is_control() && letter != '\n'));
            }
        }
    }

    #[test]
    fn cues_that_were_written_are_read_back(
        spoken in prop::collection::vec(("[a-zé東]{1,9}( [a-zé東]{1,9}){0,3}", 0..7_200_000_i64, 0..9_000_i64), 1..20)
    ) {
        let clock = |ms: i64, mark: char| {
            format!("{:02}:{:02}:{:02}{mark}{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
        };
        let mut expected: Vec<_> =
            spoken.iter().map(|(text, start, length)| (*start, start + length, text.clone())).collect();
        expected.sort_by_key(|(start, ..)| *start);
        let written = |head: &str, cue: &dyn Fn(i64, i64, &str) -> String, foot: &str| {
            let cues: String = spoken.iter().map(|(text, start, length)| cue(*start, start + length, text)).collect();
            format!("{head}{cues}{foot}")
        };
        let srt = written("", &|from, to, text| format!("7\n{} --> {}\n{text}\n\n", clock(from, ','), clock(to, ',')), "");
        let vtt = written("WEBVTT\n\n", &|from, to, text| format!("{} --> {}\n{text}\n\n", clock(from, '.'), clock(to, '.')), "");
        let dfxp = written(
            "<tt><body><div>",
            &|from, to, text| format!("<p begin=\"{}\" end=\"{}\">{text}</p>", clock(from, '.'), clock(to, '.')),
            "</div></body></tt>",
        );
        prop_assert_eq!(cues(&srt, CaptionFormat::Srt), expected.clone());
        prop_assert_eq!(cues(&vtt, CaptionFormat::WebVtt), expected.clone());
        prop_assert_eq!(cues(&dfxp, CaptionFormat::Dfxp), expected);
    }
}

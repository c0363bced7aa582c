use std::io::Read;
fn main() {
    let mut t = String::new();
    std::io::stdin().read_to_string(&mut t).unwrap();
    let b = themeline::layout::blocks(&t);
    let s = themeline::segment::segment(&t, &b, &[]);
    for (i, x) in s.sentences.iter().enumerate() {
        let u: Vec<_> = s
            .units
            .iter()
            .filter(|u| u.sentence == i)
            .map(|u| themeline::segment::reading(u.span.of(&t)).into_owned())
            .collect();
        println!("{}{} {}", if x.heading { "H" } else { "S" }, x.block, u.join("\n      | "));
    }
}

//! The estimator against independent programs on the same numbers: `ppi_py` where units are drawn at
//! random, one a document, and statsmodels where they are weighted and clustered. The script beside the
//! reference made it.

use serde::Deserialize;

use super::estimate::{CodedPart, Domain};

#[derive(Deserialize)]
struct Reference {
    ppi: Vec<Ppi>,
    weighted: Vec<Weighted>,
}

#[derive(Deserialize)]
struct Ppi {
    name: String,
    coded: Vec<f64>,
    scored: Vec<f64>,
    more: Vec<f64>,
    at: Vec<At>,
    narrowest: f64,
    tuned: f64,
}

#[derive(Deserialize)]
struct At {
    lambda: f64,
    share: f64,
    se: f64,
}

#[derive(Deserialize)]
struct Weighted {
    name: String,
    cluster: Vec<usize>,
    value: Vec<f64>,
    weight: Vec<f64>,
    probability: Vec<f64>,
    share: f64,
    se: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/corrected/reference.json")).unwrap()
}

#[test]
fn a_simple_random_sample_gives_what_ppi_py_gives() {
    for case in reference().ppi {
        let (n, n_more) = (case.coded.len(), case.more.len());
        let all = n + n_more;
        let documents: Vec<(f64, f64)> =
            case.scored.iter().chain(&case.more).map(|&scored| (1.0, scored)).collect();
        let coded: Vec<CodedPart> = (0..n)
            .map(|k| CodedPart {
                document: k,
                stratum: 0,
                weight: 1.0,
                probability: n as f64 / all as f64,
                coded: case.coded[k],
                scored: case.scored[k],
            })
            .collect();
        let domain = Domain { documents: &documents, coded: &coded, n_of_stratum: &[n as u64] };
        // ppi_py sets the mean of the scores of the other units beside that of the coded ones; here it
        // is that of all units, so that the same weight of the scores is another λ.
        let scale = all as f64 / n_more as f64;
        for at in case.at {
            let error = domain.coded_mean().less(at.lambda * scale, &domain.scored_excess());
            let se = error.product(&error).sqrt();
            assert!((error.mean - at.share).abs() < 1e-9, "{} {}", case.name, at.lambda);
            assert!((se - at.se).abs() < 1e-6, "{} {}: {se} {}", case.name, at.lambda, at.se);
        }
        let lambda = domain.tuned() / scale;
        assert!((lambda - case.narrowest).abs() < 1e-4, "{lambda} {}", case.narrowest);
        // ppi_py tunes by another estimate of the same number.
        assert!((lambda - case.tuned).abs() < 0.1, "{lambda} {}", case.tuned);
    }
}

#[test]
fn weighted_and_clustered_codes_give_what_statsmodels_gives() {
    for case in reference().weighted {
        let n_documents = case.cluster.last().unwrap() + 1;
        let unit = |k: usize| CodedPart {
            document: case.cluster[k],
            stratum: k,
            weight: case.weight[k],
            probability: case.probability[k],
            coded: case.value[k],
            scored: 0.0,
        };
        let coded: Vec<CodedPart> = (0..case.value.len()).map(unit).collect();
        let documents = vec![(100.0, 0.0); n_documents];
        // A stratum for each unit: then nothing is known of the drawing but the probabilities.
        let n_of_stratum = vec![1; coded.len()];
        let domain = Domain { documents: &documents, coded: &coded, n_of_stratum: &n_of_stratum };
        assert_eq!(domain.tuned(), 0.0, "scores that say nothing");
        let found = domain.found(0.0);
        assert!((found.share - case.share).abs() < 1e-9, "{}", case.name);
        let se = found.variance.sqrt();
        assert!((se - case.se).abs() < 1e-6, "{}: {se} {}", case.name, case.se);
    }
}

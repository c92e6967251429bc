/// The one of `candidates` that `word` is most likely a misspelling of, nil when none is close.
func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    // Long words are nobody's typing mistake, and the distance costs the product of both lengths.
    guard word.utf8.count <= 64 else { return nil }
    let lowered = Array(word.lowercased().unicodeScalars)
    let limit = max(1, lowered.count / 3)
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
        let distance = editDistance(lowered, Array(candidate.lowercased().unicodeScalars))
        guard distance <= limit else { continue }
        if let found = best, (found.distance, found.candidate) <= (distance, candidate) { continue }
        best = (distance, candidate)
    }
    return best?.candidate
}

/// How many letters have to be put in, taken out, replaced or swapped with their neighbour to make one word of the other.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var rows = [Array(0...right.count)]
    for (i, letter) in left.enumerated() {
        var row = [i + 1]
        for (j, other) in right.enumerated() {
            var distance = min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
                distance = min(distance, rows[i - 1][j - 1] + 1)
            }
            row.append(distance)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}

/// `word` in quotes, cut to a length that fits an error message.
func quoted(_ word: String) -> String {
    word.unicodeScalars.count <= 60
        ? "'\(word)'" : "'\(String(String.UnicodeScalarView(word.unicodeScalars.prefix(60))))…'"
}

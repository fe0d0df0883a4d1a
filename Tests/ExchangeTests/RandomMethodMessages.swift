import Methods
import Randomness
import Tensors

/// Messages of methods with contents drawn at random.
struct RandomMethodMessages {
    var chance: SeededGenerator

    init(seed: UInt64) { chance = SeededGenerator(seed: seed, stream: "exchange/messages") }

    mutating func message() -> MethodMessage {
        MethodMessage(
            MethodMessage.Kind.allCases.randomElement(using: &chance) ?? .turn,
            step: Int.random(in: 1...9, using: &chance),
            version: Bool.random(using: &chance) ? Int.random(in: 0...9, using: &chance) : nil,
            probe: Bool.random(using: &chance)
                ? .init(pair: Int.random(in: 1...9, using: &chance), isPlus: Bool.random(using: &chance)) : nil,
            samples: Bool.random(using: &chance) ? samples() : nil,
            scalars: Dictionary(
                uniqueKeysWithValues: (0..<Int.random(in: 0...4, using: &chance)).map {
                    ("number \($0)", Float(chance.normal()))
                }),
            tensors: (0..<Int.random(in: 0...5, using: &chance)).map { tensor("tensor \($0)") })
    }

    private mutating func samples() -> MessageSamples {
        let lengths = (0..<Int.random(in: 1...6, using: &chance)).map { _ in Int.random(in: 1...9, using: &chance) }
        return MessageSamples(
            ids: lengths.map { _ in Int.random(in: 0...999, using: &chance) }, lengths: lengths,
            targets: lengths.map { length in
                (0..<Int.random(in: 1...length, using: &chance)).map { _ in Int32.random(in: 0...50_000, using: &chance)
                }
            })
    }

    private mutating func tensor(_ name: String) -> MessageTensor {
        let rows = Int.random(in: 0...9, using: &chance), columns = Int.random(in: 0...40, using: &chance)
        let matrix = Storage(count: rows * columns).matrix(rows: rows, columns: columns)
        for row in 0..<rows { for column in 0..<columns { matrix[row, column] = Float(chance.normal()) } }
        let indices = (0..<rows).map { _ in Int.random(in: 0...Int(UInt32.max), using: &chance) }
        return MessageTensor(name, matrix, indices: Bool.random(using: &chance) ? indices : nil)
    }
}

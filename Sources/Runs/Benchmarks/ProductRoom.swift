import Randomness
import Tensors

/// The products that are measured: those of a block's layers, also with weights that are packed once, and square ones through
/// each library.
struct ProductRoom {
    struct Product {
        let name: String
        /// Multiplications and additions.
        let operations: Int
        let run: () -> Void
    }

    let products: [Product]
    let squares: [Product]

    init(_ shape: OperationBench.Shape, _ type: WeightType) {
        let tokens = shape.sequences * shape.tokens
        var generator = SeededGenerator(seed: 2, stream: "products")
        func matrix(_ rows: Int, _ columns: Int) -> Matrix { .normal(rows, columns, using: &generator) }
        let layers = [
            (shape.width, 3 * shape.width), (shape.width, shape.width), (shape.width, shape.feedForward),
            (shape.feedForward, shape.width),
        ]
        products = layers.flatMap { inputs, outputs in
            let x_TI = matrix(tokens, inputs), y_TO = matrix(tokens, outputs)
            let w_OI = WeightMatrix(matrix(outputs, inputs), as: type)
            let operations = 2 * tokens * inputs * outputs, widths = "\(inputs) to \(outputs)"
            func forward(_ name: String, _ w_OI: WeightMatrix) -> Product {
                Product(name: "\(name), \(widths)", operations: operations) {
                    y_TO.product(of: x_TI, and: w_OI, .transposed)
                }
            }
            var rows = [forward("F", w_OI)]
            let packed_OI = w_OI.packed
            if case .packed = packed_OI { rows.append(forward("F, packed", packed_OI)) }
            rows.append(
                Product(name: "B, \(widths)", operations: operations) { x_TI.product(of: y_TO, and: w_OI) })
            return rows
        }
        let side = 2048, a = matrix(side, side), b = matrix(side, side), c = matrix(side, side)
        let operations = 2 * side * side * side
        switch type {
        case .f32:
            squares = MatrixLibrary.allCases.filter(\.isFound).map { library in
                Product(name: library.rawValue, operations: operations) { c.product(of: a, and: b, through: library) }
            }
        case .bf16, .int8:
            let short = WeightMatrix(b, as: type)
            squares = [Product(name: type.rawValue, operations: operations) { c.product(of: a, and: short) }]
        }
    }
}

/// Memory for the C structures of one header while it is packed, freed together.
final class Scratch {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// A structure set to its defaults by the generated function.
    func message<Message>(_ initialise: (UnsafeMutablePointer<Message>?) -> Void) -> UnsafeMutablePointer<Message> {
        let message = allocate(Message.self, count: 1)
        initialise(message)
        return message
    }

    /// A text with its closing NUL.
    func text(_ text: String) -> UnsafeMutablePointer<CChar> {
        list(text.utf8CString)
    }

    /// The elements one after another.
    func list<Element: BitwiseCopyable>(_ elements: some Collection<Element>) -> UnsafeMutablePointer<Element> {
        let list = allocate(Element.self, count: elements.count)
        _ = UnsafeMutableBufferPointer(start: list, count: elements.count).initialize(fromContentsOf: elements)
        return list
    }

    private func allocate<Element>(_: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Element>.stride * max(count, 1), alignment: MemoryLayout<Element>.alignment)
        blocks.append(block)
        return block.bindMemory(to: Element.self, capacity: max(count, 1))
    }
}

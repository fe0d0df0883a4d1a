/// The style sheet of the report. Colours differ in lightness as well, for print without colour.
enum ReportStyle {
    static let text = """

        :root {
            --paper: #fdfdfb; --ink: #1d2329; --soft: #59636e; --rule: #d9dde1; --grid: #e8ebee; --tint: #eef4f9;
            --subject: #0b5fa5; --central: #6a737d; --c0: #c4502f; --c1: #b07d12; --c2: #3e8448; --c3: #7a56a8;
            --c4: #13858c; --c5: #c25a95; --c6: #72722a; --c7: #8a5340;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --paper: #12171c; --ink: #e4e9ee; --soft: #9aa7b3; --rule: #36404a; --grid: #252d35; --tint: #182633;
                --subject: #6db8f5; --central: #a3adb7; --c0: #f0866a; --c1: #e3b454; --c2: #7cc486; --c3: #b99ae6;
                --c4: #58c6cc; --c5: #ea94c3; --c6: #c2c26a; --c7: #cf9a85;
            }
        }
        @media print {
            :root {
                --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #bbbbbb; --grid: #e4e4e4; --tint: #f2f2f2;
                --subject: #0b5fa5; --central: #6a737d; --c0: #c4502f; --c1: #b07d12; --c2: #3e8448; --c3: #7a56a8;
                --c4: #13858c; --c5: #c25a95; --c6: #72722a; --c7: #8a5340;
            }
            body { font-size: 10pt; }
            main { padding: 0; }
            figure, table, dl > div { break-inside: avoid; }
            h2 { break-after: avoid; }
            .scroll { overflow: visible; }
            table { font-size: 7.5pt; }
        }
        * { box-sizing: border-box; }
        body {
            margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5; font-size: 17px;
            font-family: Charter, "Bitstream Charter", "Source Serif 4", Georgia, "DejaVu Serif", serif;
        }
        main { max-width: 74rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
        header { border-bottom: 1px solid var(--rule); margin-bottom: 2.5rem; padding-bottom: 1.25rem; }
        h1 { font-size: clamp(1.8rem, 5vw, 2.6rem); font-weight: 600; line-height: 1.15; margin: 0 0 .5rem; }
        h2 { font-size: 1.4rem; font-weight: 600; margin: 3rem 0 1rem; }
        p { max-width: 44rem; margin: 0 0 1rem; }
        .kicker, .facts, .legend, table, figcaption, svg text {
            font-family: "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif;
        }
        .kicker { color: var(--subject); font-size: .8rem; letter-spacing: .04em; margin-bottom: .4rem; }
        .facts { color: var(--soft); font-size: .9rem; max-width: none; }
        .note { margin-bottom: 0; }
        figure { margin: 1.75rem 0 2.25rem; }
        figcaption { color: var(--soft); font-size: .85rem; max-width: 48rem; margin-top: .6rem; }
        figcaption strong { color: var(--ink); font-weight: 600; }
        .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 250px), 1fr)); gap: 1rem 1.25rem; }
        .panels.single { grid-template-columns: minmax(0, 24rem); }
        .panel { display: block; width: 100%; max-width: 24rem; height: auto; overflow: visible; }
        .legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 0 0 .75rem; font-size: .85rem; }
        .legend li { display: flex; align-items: center; gap: .45rem; }
        .key { width: 26px; height: 10px; }
        svg text { font-size: 11.5px; fill: var(--soft); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
        svg .head { font-size: 13px; font-weight: 600; fill: var(--ink); }
        .grid { stroke: var(--grid); }
        .axis, .tick { stroke: var(--soft); }
        .majority { stroke: var(--soft); stroke-dasharray: 1.5 3; stroke-linecap: round; }
        .limit { stroke: var(--ink); stroke-dasharray: 4 2; }
        .line { fill: none; stroke: var(--c); stroke-width: 1.7; stroke-linejoin: round; }
        .level { stroke-dasharray: 6 3; stroke-width: 1.4; }
        .whisker { stroke-width: 2; stroke-opacity: .55; }
        .band { fill: var(--c); fill-opacity: .13; }
        .mark { fill: var(--c); stroke: var(--paper); stroke-width: .7; }
        .cross { fill: none; stroke: var(--c); stroke-width: 1.6; }
        .seed { fill: var(--c); fill-opacity: .35; }
        .bar { fill: var(--c); }
        .half { fill-opacity: .6; }
        .faint { fill-opacity: .3; }
        .subject { --c: var(--subject); }
        .subject .line { stroke-width: 2.6; }
        .subject .whisker { stroke-width: 2.6; }
        .central { --c: var(--central); }
        .line-0 { --c: var(--c0); } .line-1 { --c: var(--c1); } .line-2 { --c: var(--c2); } .line-3 { --c: var(--c3); }
        .line-4 { --c: var(--c4); } .line-5 { --c: var(--c5); } .line-6 { --c: var(--c6); } .line-7 { --c: var(--c7); }
        .scroll { overflow-x: auto; margin: 1.5rem 0; }
        table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; width: 100%; }
        caption { caption-side: top; text-align: left; color: var(--soft); padding-bottom: .5rem; }
        caption span { display: inline-block; position: sticky; left: 0; max-width: min(100%, calc(100vw - 2.5rem)); }
        thead th { border-bottom: 1px solid var(--soft); font-weight: 600; vertical-align: bottom; }
        th, td { padding: .32rem .7rem; text-align: right; white-space: nowrap; }
        thead th { white-space: normal; }
        th:first-child { text-align: left; padding-left: 0; }
        tbody th { font-weight: 400; }
        tbody tr { border-bottom: 1px solid var(--grid); }
        .marked th, .marked td { background: var(--tint); font-weight: 600; }
        .marked th:first-child { padding-left: .4rem; }
        dl { display: grid; grid-template-columns: minmax(8rem, 14rem) minmax(0, 44rem); gap: .6rem 1.5rem; margin: 0; }
        dt { font-weight: 600; }
        dd { margin: 0; }
        @media (max-width: 40rem) {
            body { font-size: 16px; }
            main { padding-top: 1.5rem; }
            dl { grid-template-columns: 1fr; gap: .15rem; }
            dd { margin-bottom: .8rem; }
        }

        """
}

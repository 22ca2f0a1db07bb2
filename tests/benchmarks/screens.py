"""What a browser takes to draw, and until a hit is seen: scripts for any page of a server that has a ``main``."""

#: Draws ten lines of 1,440 points, ``rounds`` times; of each the milliseconds from the answer until the canvas has it.
DRAWING = """async (rounds) => {
    const {graph} = await import('/static/hailwhale.js');
    const [minutes, children] = [1440, 9];
    const wave = (child, i) => Math.round(1000 + 900 * Math.sin(i / 90 + child));
    const answer = {_: {hits: []}};
    for (let child = 0; child < children; child += 1) answer[`child ${child}`] = {hits: []};
    for (let i = 0; i < minutes; i += 1) {
        let sum = 0;
        for (let child = 0; child < children; child += 1) {
            sum += wave(child, i);
            answer[`child ${child}`].hits.push([i * 60000, wave(child, i)]);
        }
        answer._.hits.push([i * 60000, sum]);
    }
    // The page has come to rest, as one that waits for an answer: what the browser does for a new page is none of this.
    for (let rest = 0; rest < 5; rest += 1) {
        await new Promise((done) => { setTimeout(() => requestIdleCallback(done), 100); });
    }
    const times = [];
    for (let round = 0; round < rounds; round += 1) {
        const place = document.createElement('div');
        document.querySelector('main').prepend(place);
        let tell;
        const feeds = {api: () => null, watch: (_, watcher) => { tell = watcher.answered; return () => {}; }};
        const one = graph(place, {pk: 'many', limit: 9, threshold: 0.01, period: '1m:1d'}, {feeds});
        place.offsetWidth;
        const start = performance.now();
        tell(answer);
        // uPlot draws in a microtask; reading a pixel waits for the drawing.
        await Promise.resolve();
        const canvas = place.firstElementChild.shadowRoot.querySelector('canvas');
        canvas.getContext('2d').getImageData(0, 0, 1, 1);
        times.push(performance.now() - start);
        one.destroy();
        place.remove();
    }
    return times;
}"""

#: Counts at a path, and waits until the number of the graph in the page has changed and is painted; milliseconds.
HIT = """async (path) => {
    const total = document.querySelector('.hailwhale').shadowRoot.querySelector('[data-role=total]');
    let start = 0;
    const changed = new Promise((done) => {
        new MutationObserver((_, observer) => {
            observer.disconnect();
            // The second frame begins once the first one, which has the change, is on its way to the screen.
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
        }).observe(total, {attributes: true, attributeFilter: ['data-value']});
    });
    start = performance.now();
    const answer = await fetch(`${path}?pk=live`);
    if (await answer.text() !== 'OK') throw new Error(`${path} did not count`);
    return changed;
}"""

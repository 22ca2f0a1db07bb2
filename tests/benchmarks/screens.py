"""What a browser takes to draw, and until a hit is seen: scripts for any page of a server that has a ``main``."""

#: Draws what the server answers for the day of ``many``, ``rounds`` times: the number of lines drawn, that of points in
#: each, and the milliseconds until the canvas has them: from the answer's last byte, and in each round from the answer.
DRAWING = """async (rounds) => {
    const {graph} = await import('/static/hailwhale.js');
    const times = [];
    let answer, lines, waited;
    for (let round = 0; round < rounds; round += 1) {
        const place = document.createElement('div');
        document.querySelector('main').prepend(place);
        let one;
        const [question, answered] = await new Promise((asked) => {
            const watch = ({question}, {answered}) => {
                asked([question, answered]);
                return () => {};
            };
            const options = {pk: 'many', limit: 9, threshold: 0.01, period: '1m:1d', live: false};
            one = graph(place, options, {feeds: {api: () => null, watch}});
        });
        if (round === 0) {
            const given = Object.entries(question).map(([name, value]) => [name, JSON.stringify(value)]);
            answer = await (await fetch(`/plotpoints?${new URLSearchParams(given)}`)).json();
        }
        const start = performance.now();
        answered(answer);
        // uPlot draws in a microtask; reading a pixel waits for the drawing.
        await Promise.resolve();
        const canvas = place.firstElementChild.shadowRoot.querySelector('canvas');
        canvas.getContext('2d').getImageData(0, 0, 1, 1);
        times.push(performance.now() - start);
        if (round === 0) {
            const loads = performance.getEntriesByType('resource');
            waited = performance.now() - loads.find(({name}) => name.includes('/plotpoints')).responseEnd;
        }
        lines = place.firstElementChild.shadowRoot.querySelectorAll('[data-role=legend] .name').length;
        one.destroy();
        place.remove();
    }
    return [lines, Math.min(...Object.values(answer).map(({hits}) => hits.length)), waited, times];
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

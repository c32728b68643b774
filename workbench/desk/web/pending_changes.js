// Pending changes: tells when the kernel has handled what the user changed on the page.
//
// A command must not overtake a change: undo right after a slider moved must undo that move. But
// ipywidgets holds a widget's next change back until the kernel has handled the last one, and the
// kernel may handle two widgets in two threads. So commands wait, and clicks on buttons.

const EVERY = 15; // milliseconds between two looks
const PATIENCE = 20_000; // milliseconds, then the kernel is lost

/** Return the values of those promises that are fulfilled. */
async function fulfilled(promises) {
  const found = [];
  for (const promise of promises) promise.then((value) => found.push(value), () => {});
  await new Promise((done) => setTimeout(done));
  return found;
}

/** Wait until the kernel has handled the changes of all widgets, or for `patience` milliseconds.
 *  `manager` is the page's manager of ipywidgets. It does not publish the changes that wait. */
export async function changesHandled(manager, patience = PATIENCE) {
  const until = performance.now() + patience;
  const models = await fulfilled(Object.values(manager?._models ?? {}));
  const pending = () => models.some((model) => model.comm_live && model._pending_msgs > 0);
  while (pending() && performance.now() < until)
    await new Promise((done) => setTimeout(done, EVERY));
}

/** Return a listener for the capture phase of clicks. It lets those on buttons of ipywidgets wait:
 *  `inOrder` receives a function, and calls it after the changes before the click. Cancel does not
 *  wait: it belongs to no change, and is wanted at once. */
export function orderedClicks(inOrder) {
  let passing = false;
  return (event) => {
    const clicked = event.target.closest(".jupyter-button");
    if (!clicked || passing || clicked.matches(".wb-cancel")) return;
    event.preventDefault();
    event.stopPropagation();
    inOrder(() => {
      passing = true;
      clicked.click();
      passing = false;
    });
  };
}

// Report link widget: opens the HTML that the kernel sent in a new tab.

function render({ model, el }) {
  const link = document.createElement("a");
  link.target = "_blank";
  let url = "";
  const update = () => {
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([model.get("html")], { type: "text/html" }));
    link.href = url;
    link.textContent = model.get("text");
    link.hidden = !model.get("html");
  };
  update();
  model.on("change:html", update);
  el.append(link);
  return () => {
    model.off("change:html", update);
    URL.revokeObjectURL(url);
  };
}

export default { render };

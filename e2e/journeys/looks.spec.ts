import { expect, test } from '../support/fixtures.ts';

// Screenshots go to the test output, so that a person can look at what the journeys saw.
for (const scheme of ['light', 'dark'] as const) {
  for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } })) {
    test(`the stream is usable and accessible: ${scheme}, ${name}`, async ({ shell, page }, info) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await shell.open();
      await page.screenshot({ path: info.outputPath('opening.png') });
      await shell.expectAccessible();
      await (await shell.askAllowing("what's the weather in Lisbon")).expectAnsweredBy('Open-Meteo');
      await (await shell.askAllowing('who was Ada Lovelace')).expectAnsweredBy('Wikipedia');
      await (await shell.askAllowing('books about the sea')).expectAnsweredBy('Open Library');
      await (await shell.askAllowing('define serendipity')).expectAnsweredBy('Dictionary');
      await shell.card("what's the weather in Lisbon").receipt.click();
      await shell.expectAccessible();
      await shell.expectNoSidewaysScroll();
      for (const words of ["what's the weather in Lisbon", 'who was Ada Lovelace', 'books about the sea', 'define serendipity']) {
        await shell.card(words).root.scrollIntoViewIfNeeded();
        await shell.card(words).root.screenshot({ path: info.outputPath(`${words.split(' ').pop()}.png`) });
      }
      await expect(shell.prompt).toBeInViewport();
    });
  }
}

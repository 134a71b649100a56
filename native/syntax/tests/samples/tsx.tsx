import { FC } from "react";

interface Props { title: string }

export const Card: FC<Props> = ({ title }) => (
  <Layout.Box><Title text={format(title)} /></Layout.Box>
);
